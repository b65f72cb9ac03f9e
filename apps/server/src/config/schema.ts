import { COLON_RELAY_DEFAULTS as COLON } from "@wireyard/colon-relay/server";
import { DEFAULT_LIMITS as LIMITS } from "@wireyard/session";
import { VARINT_STATE_DEFAULTS as VARINT } from "@wireyard/varint-state/server";
import { z } from "zod";
import {
  accounts,
  backplane,
  flag,
  leaf,
  milliseconds,
  oneOf,
  origins,
  port,
  text,
  textOrNull,
  texts,
  wholeNumber,
  wholeNumberOrNull,
} from "./leaves.ts";

const INT32 = { min: -2_147_483_648, max: 2_147_483_647 };
const ONE_OR_MORE = { min: 1 };

const protocols = z.strictObject({
  "colon-relay": z.strictObject({
    port: port(3290, "TCP port; null leaves the protocol out"),
    tlsPort: port(null, "TLS port; null for none"),
    udpPort: port(3290, "UDP port; null for none"),
    auth: oneOf(["open", "accounts"], COLON.auth, "open takes any name and password, accounts checks them"),
    usernames: flag(COLON.usernames, "Tells user names with 2: lines, as the original programs do"),
    errors: flag(COLON.errors, "Answers errors with 9: lines"),
    udp: z.strictObject({
      cookie: flag(COLON.udp.cookie, "Tells a cookie at login that a client may bind its datagrams with"),
      requireCookie: flag(COLON.udp.requireCookie, "Takes no bind without the cookie"),
      fallback: flag(COLON.udp.fallback, "Sends datagram messages by TCP to members without UDP"),
    }),
  }),
  "comma-command": z.strictObject({
    port: port(3291, "TCP port; null leaves the protocol out"),
    tlsPort: port(null, "TLS port; null for none"),
    modules: texts("ES modules with further commands: paths"),
  }),
  "varint-state": z.strictObject({
    port: port(23_456, "TCP port; null leaves the protocol out"),
    tlsPort: port(null, "TLS port; null for none"),
    version: z.strictObject({
      name: text(VARINT.version.name, "Version name in the status"),
      protocol: wholeNumber(VARINT.version.protocol, "Protocol version in the status", INT32),
    }),
    description: text(VARINT.description, "Description in the status"),
    favicon: textOrNull(VARINT.favicon, "Icon in the status: path of a 64x64 PNG"),
    sample: wholeNumber(VARINT.sample, "Names of logged-in users in the status; 0 for none", { max: 12 }),
    packetGapMs: milliseconds(VARINT.packetGapMs, "Milliseconds between two outgoing packets", 0),
    keepAliveMs: milliseconds(VARINT.keepAliveMs, "Milliseconds between two keep-alive pings; 0 for none", 0),
  }),
  "json-packet": z.strictObject({
    port: port(25_565, "TCP port; null leaves the protocol out"),
    tlsPort: port(null, "TLS port; null for none"),
    encryption: oneOf(
      ["off", "optional", "required"],
      "optional",
      "Encryption of packets; required: clients without it are refused",
    ),
    keyFile: textOrNull(
      null,
      "RSA key that clients pin: path of a PEM file, made where there is none; null: wireyard.json-packet.pem beside the accounts",
    ),
  }),
});

const limits = z.strictObject({
  loginTimeoutMs: milliseconds(
    LIMITS.loginTimeoutMs,
    "Colon relay: milliseconds from connect to login, in total",
  ),
  frameTimeoutMs: milliseconds(
    LIMITS.frameTimeoutMs,
    "Milliseconds from a frame's first byte to its last, in total",
  ),
  idleTimeoutMs: milliseconds(
    LIMITS.idleTimeoutMs,
    "Comma, JSON, and VarInt behind a handshake: milliseconds with nothing received",
  ),
  requestTimeoutMs: milliseconds(LIMITS.requestTimeoutMs, "Milliseconds until a request is answered timeout"),
  preLoginFrameBytes: wholeNumber(
    LIMITS.preLoginFrameBytes,
    "Bytes of a frame before login or handshake",
    ONE_OR_MORE,
  ),
  frameBytes: wholeNumber(LIMITS.frameBytes, "Bytes of a frame", ONE_OR_MORE),
  outboundBytes: wholeNumber(
    LIMITS.outboundBytes,
    "Bytes queued for one reader before it is cut",
    ONE_OR_MORE,
  ),
  maxConnections: wholeNumber(LIMITS.maxConnections, "Connections in all", ONE_OR_MORE),
  preLoginConnections: wholeNumber(
    LIMITS.preLoginConnections,
    "Connections before login or handshake; who has waited longest makes room for others",
    ONE_OR_MORE,
  ),
  connectionsPerIp: wholeNumber(LIMITS.connectionsPerIp, "Connections from one address", ONE_OR_MORE),
  connectionRatePerIp: wholeNumber(
    LIMITS.connectionRatePerIp,
    "New connections a second from one address",
    ONE_OR_MORE,
  ),
  loginFailuresPerMinute: wholeNumber(
    LIMITS.loginFailuresPerMinute,
    "Failed logins a minute for one address and user",
    ONE_OR_MORE,
  ),
  loginFailuresPerIp: wholeNumber(
    LIMITS.loginFailuresPerIp,
    "Failed logins a minute from one address, whatever users they name",
    ONE_OR_MORE,
  ),
  registrationsPerMinute: wholeNumber(
    LIMITS.registrationsPerMinute,
    "Registrations a minute from one address; 0 closes registration",
  ),
  messagesPerSecond: wholeNumberOrNull(
    LIMITS.messagesPerSecond,
    "Messages a second from one sender, each once for every 256 that get it; null: no limit",
    1,
  ),
});

/** The whole configuration: every key with its default, what it means and what may be given. */
export const configSchema = z.strictObject({
  host: text("127.0.0.1", "Address that every port listens on"),
  protocols,
  web: z.strictObject({
    port: port(8080, "Web port; null for none"),
    origins: origins("Origins, beside the server's own, that may use the web port"),
    adminTokenFile: textOrNull(
      null,
      "File of the admin token's hash; null: wireyard.admin beside the accounts",
    ),
  }),
  tls: z.strictObject({
    cert: textOrNull(null, "Certificate chain: path of a PEM file"),
    key: textOrNull(null, "Private key: path of a PEM file"),
  }),
  accounts: accounts("sqlite:wireyard.db", "Where accounts live"),
  backplane: backplane("What connects several nodes; null: one node on its own"),
  node: z.strictObject({
    id: textOrNull(null, "Name of this node for operators; null: host name and process id"),
    leaseMs: milliseconds(5_000, "Milliseconds that a node's memberships outlive it", 100),
  }),
  limits,
  drainMs: milliseconds(10_000, "Milliseconds over which a stopping server spreads its closings", 0),
  log: z.strictObject({
    level: oneOf(
      ["fatal", "error", "warn", "info", "debug", "trace", "silent"],
      "info",
      "Least level that is logged",
    ),
    pretty: leaf(
      z.union([z.literal("auto"), z.boolean()]),
      "auto",
      "auto, true or false",
      "Logs for people instead of JSON; auto: on a terminal",
    ),
  }),
});

export type Config = z.infer<typeof configSchema>;
export type ProtocolName = keyof Config["protocols"];
