import { PassThrough, type Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { closeAtEnd } from './close-at-end.js';

/** Opens a connection to a server, which need not stand yet. What it throws, or the connection's error, is a lost connection. */
export type Dial = (address: { readonly host: string; readonly port: number }) => Duplex;

/** A connection for HTTP/2, with TLS on it where the address says so. */
export function connectBy(dial: Dial, url: URL): Duplex {
  const isTls = url.protocol === 'https:';
  // As the URL writes it: IPv6 stands in brackets there.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
  const socket = closeAtEnd(attempt(() => dial({ host, port })));
  return isTls ? connectTls({ socket, servername: host, ALPNProtocols: ['h2'] }) : socket;
}

/** A connection that breaks at once, in place of an exception. */
function attempt(dial: () => Duplex): Duplex {
  try {
    return dial();
  } catch (thrown) {
    const broken = new PassThrough();
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    process.nextTick(() => broken.destroy(error));
    return broken;
  }
}
