import { AppError, messageOf } from '../base/errors.ts';

/** Where a server listens, as addresses and URLs write it: `host:port`, with brackets round an IPv6 address. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Why a way in could not be opened: `locked` where the port is taken, which may pass; else `invalid_config` with the
 * reason, as of a host that is none of this machine.
 *
 * @param way `HTTP` or `gRPC`.
 */
export function listenFault(way: string, host: string, port: number, error: unknown): AppError {
  const what = `${way} cannot listen on ${hostAndPort(host, port)}`;
  const reason = messageOf(error);
  // By its text: grpc-js gives no code.
  if (reason.includes('EADDRINUSE'))
    return new AppError('locked', `${what}: is another process there?`, { port }, error);
  return new AppError('invalid_config', `${what}: ${reason}`, { port }, error);
}
