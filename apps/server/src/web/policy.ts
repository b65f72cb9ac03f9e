import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { bracketed } from "../listen.ts";

/** What a request says about where it comes from. */
export interface RequestOrigin {
  /** The `Host` header. */
  host: string | undefined;
  /** The `Origin` header: browsers set it, other clients leave it out. */
  origin: string | undefined;
}

/**
 * Which names and origins the web port serves. A name that is not ours may lead here all the same: that is how a page
 * of somebody else would turn a browser's own name look-up against us (DNS rebinding). The port beside it may be another
 * one, of a container or a tunnel: a page's origin must have the same.
 */
export class OriginPolicy {
  private readonly names: ReadonlySet<string>;
  private readonly origins: ReadonlySet<string>;
  /** Listening on every address of the machine, any of them may be named: an address cannot be rebound. */
  private readonly anyAddress: boolean;

  /** @param options.names host names and addresses of this server */
  constructor(options: { names: readonly string[]; origins: readonly string[] }) {
    const { names, origins } = options;
    this.anyAddress = names.some((name) => name === "0.0.0.0" || name === "::");
    this.origins = new Set(origins.map((origin) => new URL(origin).origin));
    const own = [...names, "localhost", "127.0.0.1", "::1"].map((name) => urlOf(bracketed(name))?.hostname);
    const others = origins.map((origin) => new URL(origin).hostname);
    this.names = new Set([...own.filter((name) => name !== undefined), ...others]);
  }

  /** Whether a request may be answered; one without an origin is no browser's, or reads only. */
  allows({ host, origin }: RequestOrigin): boolean {
    const url = host === undefined ? undefined : urlOf(host);
    if (url === undefined || !(this.names.has(url.hostname) || this.isAddressHere(url.hostname)))
      return false;
    return origin === undefined || origin === url.origin || this.origins.has(origin);
  }

  /** The same, of a request that is to become a WebSocket. */
  allowsRequest({ headers }: IncomingMessage): boolean {
    return this.allows({ host: headers.host, origin: headers.origin });
  }

  private isAddressHere(hostname: string): boolean {
    return this.anyAddress && isIP(hostname.replace(/^\[(.*)\]$/, "$1")) !== 0;
  }
}

/** The URL of a host, with or without a port. */
function urlOf(host: string): URL | undefined {
  if (!/^[^/\\?#@\s]+$/.test(host)) return undefined;
  try {
    return new URL(`http://${host}`);
  } catch {
    return undefined;
  }
}
