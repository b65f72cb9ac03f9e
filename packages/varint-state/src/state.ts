/**
 * Where a connection stands. `default` is the wire's state 0; the three of a status are its state 1, told apart by
 * what was asked since the handshake; `login` is its state 2, in which nothing is served.
 */
export type State = "default" | "status" | "status_requested" | "status_pinged" | "login";

/** What a client says that a state knows. */
export type Step = "handshake" | "pong" | "request" | "ping";

/** What a server says that a state knows. */
export type Said = "request" | "ping" | "response" | "pong" | "login_disconnect";

/** Where a Handshake leads, by the next state it asks for. */
export const NEXT_STATES: Readonly<Record<number, State>> = { 1: "status", 2: "login" };

export interface StateRow {
  /** The state's number on the wire. */
  readonly wire: number;
  /** What a packet of the client's is, by its id, and the state after it: of a Handshake, by the next state. */
  readonly client: readonly { readonly type: Step; readonly to: State | typeof NEXT_STATES }[];
  /** What a packet of the server's is, by its id. None of them moves the state. */
  readonly server: readonly Said[];
}

/**
 * Every packet that means something: state by direction by id. All else is unknown. Decoding reads this table, and
 * the diagram in PROTOCOL.md is made from it.
 *
 * Once both a Request and a Ping were answered the connection is where it began, and takes a new handshake.
 * @see PROTOCOL.md [VARINT-4.1]
 */
export const STATES: Readonly<Record<State, StateRow>> = {
  default: {
    wire: 0,
    client: [
      { type: "handshake", to: NEXT_STATES },
      { type: "pong", to: "default" },
    ],
    server: ["request", "ping"],
  },
  status: {
    wire: 1,
    client: [
      { type: "request", to: "status_requested" },
      { type: "ping", to: "status_pinged" },
    ],
    server: ["response", "pong"],
  },
  status_requested: {
    wire: 1,
    client: [
      { type: "request", to: "status_requested" },
      { type: "ping", to: "default" },
    ],
    server: ["response", "pong"],
  },
  status_pinged: {
    wire: 1,
    client: [
      { type: "request", to: "default" },
      { type: "ping", to: "status_pinged" },
    ],
    server: ["response", "pong"],
  },
  login: { wire: 2, client: [], server: ["login_disconnect"] },
};

/**
 * The state after `step`.
 *
 * @param nextState what a handshake asks for
 * @throws {RangeError} where `step` is not possible in `state`, or `nextState` is not served
 */
export function transition(state: State, step: Step, nextState?: number): State {
  const { client } = STATES[state];
  for (const { type, to } of client) {
    if (type !== step) continue;
    if (typeof to === "string") return to;
    const next = to[nextState as number];
    if (next !== undefined) return next;
    throw new RangeError(`a handshake cannot ask for the next state ${nextState}; 1 and 2 are served`);
  }
  const possible = client.map(({ type }) => type).join(" and ") || "none";
  throw new RangeError(`a ${step} is not possible in state ${state}; possible are ${possible}`);
}
