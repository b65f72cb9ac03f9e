/** Every limit that a session is held to. Times in milliseconds, sizes in bytes. */
export interface Limits {
  /** Colon relay: from connecting to being logged in, in total. */
  loginTimeoutMs: number;
  /** Stream protocols: from a frame's first byte to its last, in total. */
  frameTimeoutMs: number;
  /** Comma, JSON, and VarInt where a handshake waits for its request: with nothing received for this long, a session ends. */
  idleTimeoutMs: number;
  /** A request that is not done by then is answered `timeout`. */
  requestTimeoutMs: number;
  /** Longest frame before login (JSON: before the handshake). */
  preLoginFrameBytes: number;
  /** Longest frame after it. */
  frameBytes: number;
  /** What may be queued for one reader before it is cut. */
  outboundBytes: number;
  maxConnections: number;
  /** Connections that have not logged in (JSON, VarInt: shaken hands): who has waited longest makes room for others. */
  preLoginConnections: number;
  connectionsPerIp: number;
  /** New connections a second from one address. */
  connectionRatePerIp: number;
  /** Failed logins a minute for one address and user. */
  loginFailuresPerMinute: number;
  /** Failed logins a minute from one address, whatever users they name. */
  loginFailuresPerIp: number;
  /** Registrations a minute from one address. */
  registrationsPerMinute: number;
  /** Messages a second from one sender, counted once for each `FAN_OUT` that get them; `null` for no limit. */
  messagesPerSecond: number | null;
}

export const DEFAULT_LIMITS: Readonly<Limits> = Object.freeze({
  loginTimeoutMs: 10_000,
  frameTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  requestTimeoutMs: 5_000,
  preLoginFrameBytes: 8_192,
  frameBytes: 65_536,
  outboundBytes: 1_048_576,
  maxConnections: 10_000,
  preLoginConnections: 10_000,
  connectionsPerIp: 1_000,
  connectionRatePerIp: 200,
  loginFailuresPerMinute: 20,
  loginFailuresPerIp: 200,
  registrationsPerMinute: 20,
  messagesPerSecond: null,
});

/** Receivers for which a message counts once against its sender's limit. */
export const FAN_OUT = 256;
/** Named groups one session may have defined at a time. */
export const MAX_GROUPS = 256;
/** Members with their connection to another node that one session's groups may have in all. */
export const MAX_GROUP_MEMBERS_ELSEWHERE = 4_096;
/** Longest name of a user, room or group, in UTF-16 code units. */
export const MAX_NAME_LENGTH = 256;
