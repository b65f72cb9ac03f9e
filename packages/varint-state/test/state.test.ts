import { describe, expect, it } from "vitest";
import { NEXT_STATES, STATES, type State, type Step, transition } from "../src/index.ts";

// Every cell of the table in its own words, so that a change to the code's table has to be made here too.
const expected: Record<State, Partial<Record<Step, State>>> = {
  default: { handshake: "status", pong: "default" },
  status: { request: "status_requested", ping: "status_pinged" },
  status_requested: { request: "status_requested", ping: "default" },
  status_pinged: { request: "default", ping: "status_pinged" },
  login: {},
};

const steps: readonly Step[] = ["handshake", "pong", "request", "ping"];
const states = Object.keys(expected) as State[];
const cells = states.flatMap((state) => steps.map((step) => ({ state, step, next: expected[state][step] })));
const legal = cells.filter((cell) => cell.next !== undefined);
const illegal = cells.filter((cell) => cell.next === undefined);

// [VARINT-4.1]
describe("the state table", () => {
  it.each(legal)("goes from $state by a $step to $next", ({ state, step, next }) => {
    expect(transition(state, step, 1)).toBe(next);
  });

  it.each(illegal)("throws at a $step in $state, and changes nothing", ({ state, step }) => {
    const before = structuredClone(STATES);
    const possible = Object.keys(expected[state]).join(" and ") || "none";
    expect(() => transition(state, step, 1)).toThrow(
      new RangeError(`a ${step} is not possible in state ${state}; possible are ${possible}`),
    );
    expect(STATES).toEqual(before);
  });

  it("goes by a handshake where its next state leads, and nowhere else [VARINT-2.2]", () => {
    expect(NEXT_STATES).toEqual({ 1: "status", 2: "login" });
    expect([1, 2].map((next) => transition("default", "handshake", next))).toEqual(["status", "login"]);
    for (const next of [undefined, -1, 0, 3]) {
      expect(() => transition("default", "handshake", next)).toThrow(
        new RangeError(`a handshake cannot ask for the next state ${next}; 1 and 2 are served`),
      );
    }
  });

  it("gives each packet one meaning in a state, and the numbers of the wire", () => {
    expect(states.map((state) => STATES[state].wire)).toEqual([0, 1, 1, 1, 2]);
    expect(states.map((state) => STATES[state].server.join())).toEqual([
      "request,ping",
      "response,pong",
      "response,pong",
      "response,pong",
      "login_disconnect",
    ]);
  });

  it("has no state that cannot be left or reached, but for the last", () => {
    const reached = states.flatMap((state) => Object.values(expected[state]));
    for (const state of states.filter((state) => state !== "login")) {
      expect(Object.values(expected[state]).some((next) => next !== state)).toBe(true);
      expect(reached).toContain(state);
    }
  });
});
