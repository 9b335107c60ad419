import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';

/**
 * Makes the end of what comes the end of the connection; no `end` is heard. HTTP/2 has no half-closed connections, and node:http2's wrapper of a stream
 * that is no net.Socket ends its own side at an `end`: when the session writes before that is through, an assertion of Node's fails
 * (JSStreamSocket.doWrite, ERR_INTERNAL_ASSERTION), and takes the process with it. A net.Socket needs no wrapper and stays as it is.
 */
export function closeAtEnd<Connection extends Duplex>(connection: Connection): Connection {
  if (connection instanceof Socket) return connection;
  const emit = connection.emit.bind(connection) as (event: string | symbol, ...values: unknown[]) => boolean;
  connection.emit = (event: string | symbol, ...values: unknown[]): boolean => {
    if (event !== 'end') return emit(event, ...values);
    connection.destroy();
    return true;
  };
  return connection;
}
