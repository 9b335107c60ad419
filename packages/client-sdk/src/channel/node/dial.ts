import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { closeAtEnd } from './close-at-end.js';

/** Opens a connection to a server, which need not stand yet. What it throws, or the connection's error, is a lost connection. */
export type Dial = (address: { readonly host: string; readonly port: number }) => Duplex;

/** A connection for HTTP/2, with TLS on it where the address says so. */
export function connectBy(dial: Dial, url: URL): Duplex {
  const socket = closeAtEnd(dialTo(dial, url));
  return url.protocol === 'https:' ? connectTls({ socket, servername: hostOf(url), ALPNProtocols: ['h2'] }) : socket;
}

/** A connection to where the URL says, as it is. */
export function dialTo(dial: Dial, url: URL): Duplex {
  const defaultPort = url.protocol === 'https:' ? 443 : 80;
  const port = url.port === '' ? defaultPort : Number(url.port);
  return attempt(() => dial({ host: hostOf(url), port }));
}

/** As the URL writes it, IPv6 stands in brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/** A connection that breaks at once, in place of an exception. */
function attempt(dial: () => Duplex): Duplex {
  try {
    return dial();
  } catch (thrown) {
    const broken = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    process.nextTick(() => broken.destroy(error));
    return broken;
  }
}
