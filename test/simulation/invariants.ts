import type { Client } from "./client.ts";
import { ROOMS, type World } from "./world.ts";

/** How long a ghost may stay: what is promised. */
const GHOST_MS = 10_000;
/** How long an answer may take while all is well. */
const ANSWER_MS = 10_000;

interface EngineRoom {
  readonly name: string;
  /** Ids in join order. */
  readonly ids: readonly number[];
}

/** What is looked at from outside: the engine's data, the nodes' views, and how long things take. */
export class Invariants {
  private readonly world: World;
  private rooms: EngineRoom[] = [];

  constructor(world: World) {
    this.world = world;
  }

  /** After every step. */
  check(now: number): void {
    const { engine, checker } = this.world;
    if (engine.isTouched) {
      engine.isTouched = false;
      this.rooms = this.readRooms();
    }
    for (const { name, ids } of this.rooms) {
      for (const id of ids) {
        const problem = this.ghost(id, now);
        if (problem !== undefined) checker.fails("no ghost past its lease", `${problem} is still in ${name}`);
      }
    }
    for (const node of this.world.nodes) {
      for (const room of ROOMS) {
        const problem = node.problemIn(room);
        if (problem !== undefined) checker.fails("counts are members", `${node.process.name}: ${problem}`);
      }
    }
    for (const client of this.world.clients) this.checkAnswers(client, now);
  }

  /** Once nothing is wrong and nothing is on its way. */
  checkAgreement(): void {
    const { world } = this;
    const { checker } = world;
    const fails = (text: string): void => checker.fails("all agree once all is well", text);
    this.rooms = this.readRooms();
    const roomOf = new Map(this.rooms.flatMap(({ name, ids }) => ids.map((id) => [id, name] as const)));
    for (const client of world.clients) {
      const there = roomOf.get(client.id ?? 0);
      if (client.state === "open" && client.view === undefined) {
        checker.fails(
          "what is asked is answered",
          `${world.describe(client)} asked for a room in peace, and is in none`,
        );
      }
      if (client.state === "open" && client.view?.room !== there) {
        fails(`${world.describe(client)} thinks it is in ${client.view?.room}, and the engine: in ${there}`);
      }
      if (client.state === "closed" && there !== undefined)
        fails(`${world.describe(client)} is gone, and in ${there}`);
    }
    for (const { name, ids } of this.rooms) {
      for (const node of world.nodes) {
        const here = node.membersOf(name);
        if (here !== undefined && here.join(" ") !== ids.join(" ")) {
          fails(
            `members of ${name}: ${node.process.name} has ${here.join(" ")}, the engine ${ids.join(" ")}`,
          );
        }
      }
      for (const client of this.clientsIn(ids)) {
        const seen = [...(client.view?.members ?? [])].sort();
        if (seen.join(" ") !== [...ids].sort().join(" ")) {
          fails(
            `members of ${name}: ${world.describe(client)} knows ${seen.join(" ")}, the engine ${ids.join(" ")}`,
          );
        }
        if (client.view?.master !== ids[0]) {
          const text = `in ${name}: ${world.describe(client)} was told ${client.view?.master}, it is ${ids[0]}`;
          checker.fails("one master, who is a member", text);
        }
      }
    }
    world.forget(({ id }) => roomOf.has(id ?? 0));
  }

  private clientsIn(ids: readonly number[]): Client[] {
    return ids.map((id) => this.world.checker.client(id)).filter((client) => client !== undefined);
  }

  private ghost(id: number, now: number): string | undefined {
    const { world } = this;
    const client = world.checker.client(id);
    if (client === undefined || client.state === "open") return undefined;
    const node = world.nodes.find(({ process }) => process === client.process);
    // Its node takes it out; a dead node's members, whichever other node has been well for longest.
    const wellSince = node !== undefined ? world.wellSince(node) : this.wellSince();
    const goneFor = now - Math.max(client.closedAt, wellSince);
    return goneFor > GHOST_MS ? `${world.describe(client)}, gone for ${Math.round(goneFor)} ms,` : undefined;
  }

  private wellSince(): number {
    return Math.min(Infinity, ...this.world.nodes.map((node) => this.world.wellSince(node)));
  }

  private checkAnswers(client: Client, now: number): void {
    const [asked] = client.asked;
    if (asked === undefined || client.state === "closed" || client.isDeaf) return;
    const node = this.world.nodes.find(({ process }) => process === client.process);
    if (node === undefined) return;
    const waited = now - Math.max(asked, this.world.wellSince(node), client.listensSince);
    if (waited <= ANSWER_MS) return;
    this.world.checker.fails(
      "what is asked is answered",
      `${this.world.describe(client)} waits for ${waited} ms`,
    );
  }

  /** The engine's rooms, with all that must be true of them in themselves. */
  private readRooms(): EngineRoom[] {
    const { engine, checker } = this.world;
    const fails = (text: string): void => checker.fails("counts are members", `in the engine, ${text}`);
    const names = engine.look("ZRANGE", "rooms", "0", "-1") as string[];
    let members = 0;
    const rooms = names.map((name) => {
      const ids = engine.look("ZRANGE", `m:${name}`, "0", "-1") as string[];
      members += ids.length;
      if (ids.length === 0) fails(`${name} is empty`);
      for (const id of ids) {
        const at = engine.look("HGET", "at", id);
        const by = engine.look("HGET", "by", id);
        if (at !== name) fails(`${id} is a member of ${name}, and at ${at}`);
        if (!(engine.look("SMEMBERS", `o:${by}`) as string[]).includes(id))
          fails(`${id} is not among those of ${by}`);
      }
      return { name, ids: ids.map(Number) };
    });
    const known = (engine.look("HGETALL", "at") as string[]).length / 2;
    if (known !== members) fails(`${known} members are somewhere, and ${members} in rooms`);
    const listed = engine.run("rooms", []) as (string | number)[];
    for (const [i, { name, ids }] of rooms.entries()) {
      const [listedName, count] = [listed[4 * i], listed[4 * i + 2]];
      if (listedName !== name || count !== ids.length) {
        fails(`${name} has ${ids.length} members, and the list says ${listedName}: ${count}`);
      }
    }
    engine.isTouched = false;
    return rooms;
  }
}
