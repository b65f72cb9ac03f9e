import { InvalidArgumentError } from "commander";

/** Where a command is to connect. */
export interface Target {
  readonly url: string;
  /** As the user knows it: `HOST:PORT`. */
  readonly name: string;
}

/**
 * Reads `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`.
 *
 * @throws {InvalidArgumentError} where it is neither
 */
export function parseTarget(text: string, defaultPort: number): Target {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? defaultPort);
  if (match === null || port < 1 || port > 65_535) {
    const hint = /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:/.test(text)
      ? "; an IPv6 address stands in brackets: [::1]:23456"
      : "";
    throw new InvalidArgumentError(`It must be HOST or HOST:PORT with a port from 1 to 65535${hint}.`);
  }
  const name = `${match[1]}:${port}`;
  return { url: `tcp://${name}`, name };
}

/** Why a server could not be asked, in words. */
export function explainConnection(error: unknown, { name }: Target): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known = CONNECTION_ERRORS[code ?? ""] ?? message;
  return known.includes(name) ? known : `${name}: ${known}`;
}

/** By Node's codes. */
const CONNECTION_ERRORS: Record<string, string> = {
  ECONNREFUSED: "the connection was refused; nothing listens there",
  ECONNRESET: "the server cut the connection",
  EHOSTUNREACH: "the network does not lead there",
  ENETUNREACH: "the network does not lead there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the host's name cannot be looked up now",
};
