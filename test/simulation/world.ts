import type { Backplane } from "@wireyard/session";
import { scriptsFor } from "../../packages/backplane-redis/src/scripts.ts";
import { Checker, name } from "./checker.ts";
import { Client } from "./client.ts";
import { Engine } from "./engine.ts";
import { SimulatedLink } from "./link.ts";
import { SimulatedNode } from "./node.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

export const ROOMS: readonly string[] = ["lobby", "den", "hall", "attic"];
const LEASE_MS = 5_000;
const MAX_QUEUED_BYTES = 8_192;

/** Ways to break what is under test, to see that it is noticed. */
export interface Sabotage {
  /** Changes the engine's scripts. */
  scripts?: (scripts: Record<string, string>) => Record<string, string>;
  /** Stands between a hub and its back plane. */
  backplane?: (backplane: Backplane) => Backplane;
}

/** Everything there is: an engine, nodes and clients, and what can be done to them. */
export class World {
  readonly checker: Checker;
  readonly engine: Engine;
  readonly nodes: SimulatedNode[] = [];
  readonly clients: Set<Client> = new Set();
  /** Since when the engine has been up and answered at its usual speed; `Infinity` while it does not. */
  engineHealthySince = 0;
  private readonly scheduler: Scheduler;
  private readonly random: Random;
  private readonly sabotage: Sabotage;
  private made = { nodes: 0, clients: 0 };

  constructor(scheduler: Scheduler, random: Random, options: { sabotage: Sabotage; logLines: number }) {
    this.scheduler = scheduler;
    this.random = random;
    const { sabotage } = options;
    this.sabotage = sabotage;
    this.checker = new Checker(scheduler, options.logLines);
    const scripts = scriptsFor("PUBLISH");
    this.engine = new Engine(scheduler, random, sabotage.scripts?.({ ...scripts }) ?? scripts);
  }

  addNode(): void {
    const { scheduler, checker } = this;
    const wrap = this.sabotage.backplane ?? ((backplane) => backplane);
    const node = new SimulatedNode({
      name: `n${this.made.nodes++}`,
      leaseMs: LEASE_MS,
      scheduler,
      checker,
      wrap,
    });
    this.nodes.push(node);
    checker.note(`${node.process.name} starts`);
  }

  connectClient(node: SimulatedNode): Client {
    const { scheduler, random, checker } = this;
    const { process } = node;
    const client = new Client({
      number: this.made.clients++,
      process,
      checker,
      scheduler,
      link: (far) => {
        const options = { scheduler, random, process, maxQueuedBytes: MAX_QUEUED_BYTES, far };
        return new SimulatedLink({ ...options, remoteAddress: "192.0.2.1" });
      },
    });
    this.clients.add(client);
    scheduler.after(0, () => node.accept(client.link), process);
    scheduler.after(1, () => client.login(), null);
    return client;
  }

  /** Its process is gone in this instant, and its machine tells nobody but its clients. */
  crash(node: SimulatedNode): void {
    node.process.state = "dead";
    this.bury(node);
    for (const client of this.clientsOf(node)) client.link.break();
    if (this.random.chance(0.5)) this.engine.partition(node.process);
    else this.engine.reset(node.process);
  }

  /** It ends as it should: its clients are told, its members leave. */
  stop(node: SimulatedNode): void {
    this.bury(node);
    const cut = (): void => {
      for (const { link } of this.clientsOf(node)) link.destroy();
    };
    const ended = (): void => {
      node.process.state = "dead";
      for (const { link } of this.clientsOf(node)) link.break();
    };
    this.scheduler.after(0, () => node.stop(cut, ended), node.process);
  }

  partition(node: SimulatedNode): void {
    node.healthySince = Infinity;
    this.engine.partition(node.process);
  }

  healPartition(node: SimulatedNode): void {
    this.engine.heal(node.process);
    node.healthySince = this.scheduler.now;
  }

  freeze(node: SimulatedNode): void {
    node.healthySince = Infinity;
    if (node.process.state === "running") node.process.state = "frozen";
  }

  thaw(node: SimulatedNode): void {
    if (node.process.state === "frozen") this.scheduler.thaw(node.process);
    node.healthySince = this.scheduler.now;
  }

  resetConnection(node: SimulatedNode): void {
    this.engine.reset(node.process);
    if (node.healthySince !== Infinity) node.healthySince = this.scheduler.now;
  }

  killEngine(): void {
    this.engineHealthySince = Infinity;
    this.engine.kill();
  }

  startEngine(): void {
    this.engine.state = "up";
    this.engineHealthySince = this.scheduler.now;
  }

  slowEngine(ms: number): void {
    this.engine.slowMs = ms;
    this.engineHealthySince = ms === 0 ? this.scheduler.now : Infinity;
  }

  get clientsMade(): number {
    return this.made.clients;
  }

  clientsOf(node: SimulatedNode): Client[] {
    return [...this.clients].filter(({ process }) => process === node.process);
  }

  /** Since when this node and the engine have been well together. */
  wellSince(node: SimulatedNode): number {
    return Math.max(node.healthySince, this.engineHealthySince);
  }

  /** Forgets clients that nobody knows any more. */
  forget(isKnown: (client: Client) => boolean): void {
    for (const client of this.clients) {
      if (client.state === "closed" && !isKnown(client)) this.clients.delete(client);
    }
  }

  describe(client: Client): string {
    return `${name(client)} (${client.id})`;
  }

  /** Nothing more begins on it. */
  private bury(node: SimulatedNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }
}
