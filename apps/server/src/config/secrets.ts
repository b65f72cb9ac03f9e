import { Secret } from "@wireyard/session";

/** The password of a URL, and what stands in its query under a name that says secret. */
const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/[^:@/]*):.*@/i;
const QUERY = /([?&][^=&]*(?:password|secret|token)[^=&]*=)[^&#]*/gi;

/** A value as it may be shown: the passwords of URLs are left out, also where the URL is wrong. */
export function masked(value: unknown): unknown {
  return typeof value === "string" ? value.replace(USER_INFO, "$1:***@").replace(QUERY, "$1***") : value;
}

/** A URL for the one who opens it; everybody else sees it without its passwords. */
export function secretUrl(url: string): Secret {
  return new Secret(url, masked(url) as string);
}

/** A value on one line, short, without secrets and without control characters. */
export function shown(value: unknown): string {
  const json = JSON.stringify(masked(value)) ?? String(value);
  // JSON leaves DEL and the C1 controls as they are, and a terminal obeys them.
  const plain = json.replace(/[\u007f-\u009f]/g, "?");
  return plain.length > 80 ? `${plain.slice(0, 77)}...` : plain;
}
