/**
 * Time as data. A session has a deadline for each phase it is in; each is a total, fixed when the phase starts, so
 * that a slow drip does not move it. One coarse wheel holds a single entry for each session, filed under its
 * nearest deadline; moving a deadline later does not touch the wheel, the entry is looked at when its slot comes
 * up and filed again. So a message costs no timer.
 *
 * Nothing here reads a clock by itself or starts a timer: whoever listens calls `tick`.
 */

const PHASES = ["login", "frame", "request", "idle", "silence", "ping"] as const;

/** What can run out: `silence` and `ping` are for protocols that speak when nothing was said. */
export type Phase = (typeof PHASES)[number];

const INDEX: Record<Phase, number> = { login: 0, frame: 1, request: 2, idle: 3, silence: 4, ping: 5 };

/** Milliseconds between two slots: the precision of every deadline. */
export const TICK_MS = 50;

export class DeadlineWheel {
  /** Time of the last tick, in milliseconds of the clock. */
  now: number;
  readonly clock: () => number;
  private readonly slots = new Map<number, Set<Deadlines>>();
  private slot: number;

  /** @param clock milliseconds that never jump, such as `performance.now` */
  constructor(clock: () => number) {
    this.clock = clock;
    this.now = clock();
    this.slot = Math.floor(this.now / TICK_MS);
  }

  /** Expires what is due. Calls of several listeners in one tick are as one. */
  tick(): void {
    this.now = this.clock();
    const current = Math.floor(this.now / TICK_MS);
    if (current === this.slot) return;
    // After a long pause most slots passed over are empty: walk whichever is fewer.
    const due =
      current - this.slot > this.slots.size
        ? [...this.slots.keys()].filter((slot) => slot <= current).sort((a, b) => a - b)
        : Array.from({ length: current - this.slot }, (_, i) => this.slot + 1 + i);
    this.slot = current;
    for (const slot of due) {
      const entries = this.slots.get(slot);
      if (entries === undefined) continue;
      this.slots.delete(slot);
      for (const entry of entries) entry.due(slot);
    }
  }

  /** Files an entry under the slot in which `at` lies, at the earliest the next; returns that slot. */
  file(entry: Deadlines, at: number): number {
    const slot = Math.max(Math.ceil(at / TICK_MS), this.slot + 1);
    const entries = this.slots.get(slot);
    if (entries === undefined) this.slots.set(slot, new Set([entry]));
    else entries.add(entry);
    return slot;
  }

  /** Takes an entry out of its slot: one that is left there would hold a session that is gone, for minutes. */
  unfile(entry: Deadlines, slot: number): void {
    const entries = this.slots.get(slot);
    if (entries?.delete(entry) && entries.size === 0) this.slots.delete(slot);
  }

  /** How many sessions wait for a deadline. */
  get size(): number {
    let size = 0;
    for (const entries of this.slots.values()) size += entries.size;
    return size;
  }
}

/** The deadlines of one session. */
export class Deadlines {
  private readonly wheel: DeadlineWheel;
  /** Nobody once it was stopped. */
  private owner: { expired(phase: Phase): void } | undefined;
  private readonly at: number[] = PHASES.map(() => Infinity);
  /** The slot this is filed under; an entry found in any other slot is an old one. */
  private filed = Infinity;

  constructor(wheel: DeadlineWheel, owner: { expired(phase: Phase): void }) {
    this.wheel = wheel;
    this.owner = owner;
  }

  /** Starts, or starts anew, a phase that may last `ms` from now. */
  start(phase: Phase, ms: number): void {
    this.set(phase, this.wheel.clock() + ms);
  }

  /** Like `start`, from the time of the last tick: for what happens with every message. */
  touch(phase: Phase, ms: number): void {
    this.set(phase, this.wheel.now + ms);
  }

  /**
   * Keeps the frame phase after a chunk was worked off: it runs while part of a frame is held, and anew only for a
   * frame that began with this chunk.
   */
  frame(partial: boolean, events: number, ms: number): void {
    if (!partial) this.clear("frame");
    else if (events > 0 || !this.running("frame")) this.start("frame", ms);
  }

  running(phase: Phase): boolean {
    return this.at[INDEX[phase]] !== Infinity;
  }

  clear(phase: Phase): void {
    this.at[INDEX[phase]] = Infinity;
  }

  /** Ends every phase, for good: what a closing session still starts does not begin. */
  stop(): void {
    this.owner = undefined;
    this.at.fill(Infinity);
    this.wheel.unfile(this, this.filed);
    this.filed = Infinity;
  }

  /** Called by the wheel when a slot comes up in which this was filed. */
  due(slot: number): void {
    if (slot !== this.filed) return;
    this.filed = Infinity;
    for (const phase of PHASES) {
      if ((this.at[INDEX[phase]] as number) > this.wheel.now) continue;
      this.at[INDEX[phase]] = Infinity;
      this.owner?.expired(phase);
    }
    const next = Math.min(...this.at);
    if (next !== Infinity) this.refile(next);
  }

  private set(phase: Phase, at: number): void {
    if (this.owner === undefined) return;
    this.at[INDEX[phase]] = at;
    this.refile(at);
  }

  private refile(at: number): void {
    if (Math.ceil(at / TICK_MS) >= this.filed) return;
    this.wheel.unfile(this, this.filed);
    this.filed = this.wheel.file(this, at);
  }
}
