/**
 * What the configuration can already say and the server cannot yet do. Such a value is refused, never quietly
 * ignored. Each line goes when its feature comes.
 */
const NOT_YET: readonly { keys: readonly string[]; served: (value: unknown) => boolean; what: string }[] = [
  {
    keys: ["colon-relay", "comma-command", "varint-state", "json-packet"].map(
      (name) => `protocols.${name}.tlsPort`,
    ),
    served: isNull,
    what: "TLS",
  },
  { keys: ["tls.cert", "tls.key"], served: isNull, what: "TLS" },
  { keys: ["web.origins"], served: isEmpty, what: "the web port" },
  { keys: ["web.adminTokenFile"], served: isNull, what: "the web port" },
  { keys: ["accounts"], served: (value) => String(value).startsWith("sqlite:"), what: "PostgreSQL" },
  { keys: ["backplane", "node.id"], served: isNull, what: "more than one node" },
  { keys: ["node.leaseMs"], served: (value) => value === 5_000, what: "more than one node" },
];

/** What a value asks for that is not served yet. */
export function notYetServed(key: string, value: unknown): string | undefined {
  return NOT_YET.find(({ keys, served }) => keys.includes(key) && !served(value))?.what;
}

/** What is taken, so that one configuration serves this release and the next, and does nothing yet. */
export function notYetHeeded(key: string, value: unknown): string | undefined {
  return key === "web.port" && value !== null
    ? "the web port is not served yet; its number is not used"
    : undefined;
}

function isNull(value: unknown): boolean {
  return value === null;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
