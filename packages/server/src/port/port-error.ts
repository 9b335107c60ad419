/**
 * Why a port cannot be listened on. `PORT_IN_USE`: another process has it. `ADDRESS_NOT_AVAILABLE`: the host is no address of this machine, or is
 * no name that resolves. `PERMISSION_DENIED`: this user may not (ports below 1,024). `LISTEN_FAILED`: anything else, see `cause`.
 */
export type PortErrorCode = 'PORT_IN_USE' | 'ADDRESS_NOT_AVAILABLE' | 'PERMISSION_DENIED' | 'LISTEN_FAILED';

/** The port could not be opened. Nothing is left behind. */
export class PortError extends Error {
  override readonly name = 'PortError';
  readonly code: PortErrorCode;

  constructor(code: PortErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The typed error for what `listen` failed with. */
export function portErrorOf(error: NodeJS.ErrnoException, host: string, port: number): PortError {
  const where = `${host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new PortError('PORT_IN_USE', `${where} is in use by another process: stop it, or choose another port`, {
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return new PortError(
        'ADDRESS_NOT_AVAILABLE',
        `${where} is no address of this machine: check the host to listen on`,
        {
          cause: error,
        },
      );
    case 'EACCES':
    case 'EPERM':
      return new PortError('PERMISSION_DENIED', `this user may not listen on ${where}: choose a port from 1024 up`, {
        cause: error,
      });
    default:
      return new PortError('LISTEN_FAILED', `cannot listen on ${where}: ${error.message}`, { cause: error });
  }
}
