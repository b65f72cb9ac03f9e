import { lookup } from "node:dns/promises";
import { isIPv6 } from "node:net";
import { Failure } from "./errors.ts";

/** What is to be closed again: a listener or a datagram socket. */
export interface Bound {
  readonly port: number;
  close(): void;
}

/** The address of a host name: looked up once, so that every port listens on the same. */
export async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new Failure(`host: ${host} is not known; give an address of this machine, such as 127.0.0.1`, {
      cause: error,
    });
  }
}

/** Where a server that listens on every address is reached from here. */
export function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** An IPv6 address stands in brackets before a port. */
export function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/**
 * Takes a port.
 *
 * @param key the configuration key that asks for it
 * @throws {Failure} which names key and port and says what to do
 */
export async function takePort<Taken extends Bound>(
  key: string,
  { host, port }: { host: string; port: number },
  listen: (options: { host: string; port: number }) => Promise<Taken>,
): Promise<Taken> {
  try {
    return await listen({ host, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    switch (code) {
      case "EADDRINUSE":
        throw new Failure(
          `${key}: port ${port} of ${host} is in use; stop what has it, or take another (--set ${key}=0 takes a free one)`,
          { cause: error },
        );
      case "EACCES":
        throw new Failure(`${key}: port ${port} is not for this user; take one above 1023`, { cause: error });
      case "EADDRNOTAVAIL":
        throw new Failure(`host: ${host} is no address of this machine; ${key} cannot listen on it`, {
          cause: error,
        });
      default:
        throw new Failure(`${key}: port ${port} of ${host} cannot be had: ${message}`, { cause: error });
    }
  }
}
