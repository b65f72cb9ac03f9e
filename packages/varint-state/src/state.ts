/**
 * Where a connection stands. `default` is the wire's state 0, the others are its state 1, told apart by what was
 * asked since the handshake.
 */
export type State = "default" | "status" | "status_requested" | "status_pinged";

/** What a client says that moves the state, or that only one state knows. */
export type Step = "handshake" | "pong" | "request" | "ping";

/**
 * What is possible in each state, and the state after it; all else is illegal.
 *
 * Once both a Request and a Ping were answered the connection is where it began, and takes a new handshake.
 * @see PROTOCOL.md [VARINT-4.1]
 */
export const TRANSITIONS: Readonly<Record<State, Readonly<Partial<Record<Step, State>>>>> = {
  default: { handshake: "status", pong: "default" },
  status: { request: "status_requested", ping: "status_pinged" },
  status_requested: { request: "status_requested", ping: "default" },
  status_pinged: { request: "default", ping: "status_pinged" },
};

/**
 * The state after `step`.
 *
 * @throws {RangeError} where `step` is not possible in `state`
 */
export function transition(state: State, step: Step): State {
  const next = TRANSITIONS[state][step];
  if (next === undefined) {
    const possible = Object.keys(TRANSITIONS[state]).join(" and ");
    throw new RangeError(`a ${step} is not possible in state ${state}; possible are ${possible}`);
  }
  return next;
}
