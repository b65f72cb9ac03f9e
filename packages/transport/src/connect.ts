import type { Link } from "./link.ts";
import { connectTcp } from "./tcp.ts";

export interface ConnectOptions {
  /** `tcp://host:port` */
  url: string;
  signal?: AbortSignal;
}

/**
 * Connects a link to an address.
 *
 * @throws {TypeError} where the URL is none, or of a scheme that is not served
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`
 */
export async function connect(options: ConnectOptions): Promise<Link> {
  const url = new URL(options.url);
  if (url.protocol !== "tcp:") throw new TypeError(`${url.protocol}// is not served; use tcp://host:port`);
  if (url.port === "") throw new TypeError(`${options.url} names no port; use tcp://host:port`);
  // An IPv6 address stands in brackets in a URL, and without them everywhere else.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return connectTcp({ host, port: Number(url.port), ...(options.signal && { signal: options.signal }) });
}
