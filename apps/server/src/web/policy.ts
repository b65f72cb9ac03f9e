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
 * of somebody else would turn a browser's own name look-up against us (DNS rebinding).
 */
export class OriginPolicy {
  private readonly hosts: Set<string>;
  private readonly origins: ReadonlySet<string>;
  private readonly port: number;
  /** Listening on every address of the machine, any of them may be named: an address cannot be rebound. */
  private readonly anyAddress: boolean;

  /** @param options.names host names and addresses of this server */
  constructor(options: { names: readonly string[]; port: number; origins: readonly string[] }) {
    const { names, port, origins } = options;
    this.port = port;
    this.anyAddress = names.some((name) => name === "0.0.0.0" || name === "::");
    this.origins = new Set(origins.map((origin) => new URL(origin).origin));
    const own = [...names, "localhost", "127.0.0.1", "::1"].map((name) =>
      hostOf(`${bracketed(name)}:${port}`),
    );
    const others = origins.map((origin) => new URL(origin).host);
    this.hosts = new Set([...own.filter((host) => host !== undefined), ...others]);
  }

  /** Whether a request may be answered; one without an origin is no browser's, or reads only. */
  allows({ host, origin }: RequestOrigin): boolean {
    const named = host === undefined ? undefined : hostOf(host);
    if (named === undefined || !(this.hosts.has(named) || this.isAddressHere(named))) return false;
    return origin === undefined || origin === `http://${named}` || this.origins.has(origin);
  }

  /** The same, of a request that is to become a WebSocket. */
  allowsRequest({ headers }: IncomingMessage): boolean {
    return this.allows({ host: headers.host, origin: headers.origin });
  }

  private isAddressHere(host: string): boolean {
    if (!this.anyAddress) return false;
    const { hostname, port } = new URL(`http://${host}`);
    return isIP(hostname.replace(/^\[(.*)\]$/, "$1")) !== 0 && Number(port === "" ? 80 : port) === this.port;
  }
}

/** A host and port as a URL has them: in lower case, without the port 80. */
function hostOf(host: string): string | undefined {
  if (!/^[^/\\?#@\s]+$/.test(host)) return undefined;
  try {
    return new URL(`http://${host}`).host;
  } catch {
    return undefined;
  }
}
