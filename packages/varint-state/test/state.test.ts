import { describe, expect, it } from "vitest";
import { type State, type Step, TRANSITIONS, transition } from "../src/index.ts";

// Every cell of the table in its own words, so that a change to the code's table has to be made here too.
const expected: Record<State, Record<Step, State | undefined>> = {
  default: { handshake: "status", pong: "default", request: undefined, ping: undefined },
  status: { handshake: undefined, pong: undefined, request: "status_requested", ping: "status_pinged" },
  status_requested: { handshake: undefined, pong: undefined, request: "status_requested", ping: "default" },
  status_pinged: { handshake: undefined, pong: undefined, request: "default", ping: "status_pinged" },
};

const cells = Object.entries(expected).flatMap(([state, steps]) =>
  Object.entries(steps).map(([step, next]) => ({ state: state as State, step: step as Step, next })),
);
const legal = cells.filter((cell) => cell.next !== undefined);
const illegal = cells.filter((cell) => cell.next === undefined);

// [VARINT-4.1]
describe("the state table", () => {
  it.each(legal)("goes from $state by a $step to $next", ({ state, step, next }) => {
    expect(transition(state, step)).toBe(next);
  });

  it.each(illegal)("throws at a $step in $state, and changes nothing", ({ state, step }) => {
    const before = structuredClone(TRANSITIONS);
    expect(() => transition(state, step)).toThrow(
      new RangeError(
        `a ${step} is not possible in state ${state}; possible are ${Object.keys(TRANSITIONS[state]).join(" and ")}`,
      ),
    );
    expect(TRANSITIONS).toEqual(before);
  });

  it("has no state that cannot be left or reached", () => {
    for (const state of Object.keys(TRANSITIONS) as State[]) {
      expect(Object.values(TRANSITIONS[state]).some((next) => next !== state)).toBe(true);
      expect(Object.values(TRANSITIONS).some((steps) => Object.values(steps).includes(state))).toBe(true);
    }
  });
});
