/**
 * The part of an address that limits count by: IPv4 whole, of IPv6 the first 56 bits, which is what one household
 * gets. An IPv4 address in IPv6 form counts as IPv4.
 */
export function addressKey(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = (plain.split("%")[0] as string).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => "0"), ...right];
  const [a, b, c, d] = groups.map((group) => Number.parseInt(group, 16));
  return [a, b, c, (d ?? 0) >> 8].map((group) => (group ?? 0).toString(16)).join(":");
}

/** An address in its plain form: what a socket for both families shows as `::ffff:192.0.2.1` is `192.0.2.1`. */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
