import { name } from "./checker.ts";
import type { Client } from "./client.ts";
import type { SimulatedNode } from "./node.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import { ROOMS, type World } from "./world.ts";

const MAX_NODES = 4;
const MAX_CLIENTS = 24;
/** How likely each is, to each other. */
const WEIGHTS = {
  say: 480,
  join: 110,
  leave: 35,
  list: 15,
  connect: 60,
  hangUp: 20,
  stopReading: 6,
  crash: 2,
  stop: 2,
  startNode: 8,
  partition: 3,
  freeze: 3,
  reset: 3,
  slowEngine: 3,
  killEngine: 1,
};

/** Does something to the world, at random. */
export class Actions {
  private readonly world: World;
  private readonly scheduler: Scheduler;
  private readonly random: Random;
  /** What ends troubles that have begun. */
  private readonly remedies: Set<() => void> = new Set();

  constructor(world: World, scheduler: Scheduler, random: Random) {
    this.world = world;
    this.scheduler = scheduler;
    this.random = random;
  }

  one(): void {
    this[this.random.weighted(WEIGHTS)]();
  }

  /** Ends every trouble. */
  calm(): void {
    for (const remedy of [...this.remedies]) remedy();
    while (this.world.nodes.length < 2) this.startNode();
  }

  /** Everybody is in a room. */
  everybodyJoins(): void {
    for (const client of this.openClients())
      if (client.view === undefined) client.join(this.random.pick(ROOMS));
  }

  /** Everybody who is in a room says something. */
  everybodySpeaks(): void {
    for (const client of this.openClients()) client.say("all", this.random.chance(0.5));
  }

  private say(): void {
    const client = this.anyClient();
    if (client === undefined) return;
    for (let i = this.random.below(4); i >= 0; i--) {
      client.say(this.random.chance(0.5) ? "all" : "others", this.random.chance(0.4));
    }
  }

  private join(): void {
    const client = this.anyClient();
    if (client === undefined) return;
    const room = this.random.pick(ROOMS);
    this.world.checker.note(`${name(client)} asks for ${room}`);
    client.join(room);
  }

  private leave(): void {
    const client = this.anyClient();
    if (client === undefined) return;
    this.world.checker.note(`${name(client)} asks to leave`);
    client.leave();
  }

  private list(): void {
    this.anyClient()?.list();
  }

  private connect(): void {
    const nodes = this.world.nodes.filter((node) => node.isUp);
    if (nodes.length === 0 || this.openClients().length >= MAX_CLIENTS) return;
    const client = this.world.connectClient(this.random.pick(nodes));
    if (this.random.chance(0.8)) this.scheduler.after(1, () => client.join(this.random.pick(ROOMS)), null);
  }

  private hangUp(): void {
    this.anyClient()?.hangUp();
  }

  private stopReading(): void {
    const client = this.anyClient();
    if (client === undefined || client.isDeaf) return;
    this.world.checker.note(`${name(client)} does not read`);
    client.stopReading();
    this.trouble(this.random.between(10, 20_000), () => client.startReading());
  }

  private crash(): void {
    const node = this.anyNode();
    if (node === undefined || this.world.nodes.length < 2) return;
    this.world.checker.note(`${node.process.name} crashes`);
    this.world.crash(node);
  }

  private stop(): void {
    const node = this.anyNode();
    if (node === undefined || this.world.nodes.length < 2) return;
    this.world.checker.note(`${node.process.name} stops`);
    this.world.stop(node);
  }

  private startNode(): void {
    if (this.world.nodes.length < MAX_NODES) this.world.addNode();
  }

  private partition(): void {
    const node = this.anyNode();
    if (node === undefined) return;
    const ms = this.random.between(10, 15_000);
    this.world.checker.note(`${node.process.name} and the engine are partitioned for ${ms} ms`);
    this.world.partition(node);
    this.trouble(ms, () => this.world.healPartition(node));
  }

  private freeze(): void {
    const node = this.anyNode();
    if (node === undefined) return;
    const ms = this.random.between(10, 15_000);
    this.world.checker.note(`${node.process.name} is frozen for ${ms} ms`);
    this.world.freeze(node);
    this.trouble(ms, () => this.world.thaw(node));
  }

  private reset(): void {
    const node = this.anyNode();
    if (node === undefined) return;
    this.world.checker.note(`${node.process.name}'s connection to the engine is reset`);
    this.world.resetConnection(node);
  }

  private slowEngine(): void {
    if (this.world.engineHealthySince === Infinity) return;
    const ms = this.random.between(20, 1_500);
    this.world.checker.note(`the engine is slow: ${ms} ms`);
    this.world.slowEngine(ms);
    this.trouble(this.random.between(100, 8_000), () => this.world.slowEngine(0));
  }

  private killEngine(): void {
    if (this.world.engineHealthySince === Infinity) return;
    this.world.checker.note("the engine is killed");
    this.world.killEngine();
    this.trouble(this.random.between(10, 8_000), () => {
      this.world.checker.note("the engine is up, and knows nothing");
      this.world.startEngine();
    });
  }

  private trouble(ms: number, end: () => void): void {
    const remedy = (): void => {
      if (this.remedies.delete(remedy)) end();
    };
    this.remedies.add(remedy);
    this.scheduler.after(ms, remedy, null);
  }

  private openClients(): Client[] {
    return [...this.world.clients].filter(({ state, id }) => state === "open" && id !== undefined);
  }

  private anyClient(): Client | undefined {
    const clients = this.openClients();
    return clients.length === 0 ? undefined : this.random.pick(clients);
  }

  /** One with which nothing is wrong. */
  private anyNode(): SimulatedNode | undefined {
    const nodes = this.world.nodes.filter(({ healthySince }) => healthySince !== Infinity);
    return nodes.length === 0 ? undefined : this.random.pick(nodes);
  }
}
