import type { EngineAddress, RedisBackplaneOptions } from "@wireyard/backplane-redis";

/** What the key `backplane` names. */
export interface BackplaneTarget {
  readonly options: Pick<RedisBackplaneOptions, "url" | "sentinels" | "cluster" | "connection">;
  /** Where it is, in words and without a password. */
  readonly place: string;
}

/** What may be given, for messages and for the README. */
export const BACKPLANE_FORMS =
  "redis://HOST:PORT, redis+sentinel://HOST:PORT,HOST:PORT/GROUP or redis+cluster://HOST:PORT,HOST:PORT (rediss: over TLS), or null";

/** What `URL` cannot take apart: it knows one host. */
const SEVERAL =
  /^redis(?<tls>s?)\+(?<kind>sentinel|cluster):\/\/((?<user>[^:@/?#]*)(:(?<password>[^@/?#]*))?@)?(?<hosts>[^@/?#]+)(\/(?<group>[^/?#]+))?$/;
const HOST = /^(?<host>[\w.-]+|\[[\da-f:.]+\])(:(?<port>\d{1,5}))?$/i;
const STANDARD_PORTS = { sentinel: 26_379, cluster: 6_379 };

/**
 * Takes a back plane's address apart.
 *
 * @throws {Error} where it is none of `BACKPLANE_FORMS`
 */
export function backplaneTarget(text: string): BackplaneTarget {
  const several = SEVERAL.exec(text)?.groups;
  if (several === undefined) return oneServer(text);
  const { tls, user = "", password = "", hosts = "", group } = several;
  const kind = several.kind as keyof typeof STANDARD_PORTS;
  if ((kind === "sentinel") !== (group !== undefined))
    throw new Error("sentinels need the name of a group, a cluster has none");
  const addresses = hosts.split(",").map((host) => addressOf(host, STANDARD_PORTS[kind]));
  const connection = {
    ...(user !== "" && { username: decodeURIComponent(user) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
    ...(tls === "s" && { tls: {} }),
  };
  if (group === undefined)
    return { options: { cluster: addresses, connection }, place: `the cluster of ${hosts}` };
  const name = decodeURIComponent(group);
  return { options: { sentinels: { name, addresses }, connection }, place: `the group ${name} of ${hosts}` };
}

function oneServer(url: string): BackplaneTarget {
  const { host, protocol } = new URL(url);
  // Two hosts would be asked for as one, by a name that nobody has.
  if (!/^rediss?:$/.test(protocol) || !/^[^,]+$/.test(host)) throw new Error("it names no server");
  return { options: { url }, place: host };
}

function addressOf(text: string, standardPort: number): EngineAddress {
  const { host, port = standardPort } = HOST.exec(text)?.groups ?? {};
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) throw new Error("it names no host");
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}
