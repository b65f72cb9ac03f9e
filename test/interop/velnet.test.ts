import { afterEach, describe, expect, test } from "vitest";
import { serving } from "./server.ts";
import { PythonClient, UnityClient } from "./velnet-clients.ts";

// [COLON-3.9] The server as described, and as the original programs speak.
describe.each(["usernames=false", "usernames=true", "udp.cookie=true"])(
  "VelNet's clients, with the relay's %s",
  (setting) => {
    const ports = serving(`protocols.colon-relay.${setting}`);
    const clients: { quit(): void }[] = [];
    const relay = (): { tcp: number; udp: number } => ports()["colon-relay"] ?? { tcp: 0, udp: 0 };

    afterEach(() => {
      for (const client of clients.splice(0)) client.quit();
    });

    async function unity(name: string, room: string): Promise<UnityClient> {
      const client = new UnityClient(relay());
      clients.push(client);
      client.login(name, "pw");
      client.join(room);
      await expect.poll(() => [client.udpConnected, client.master === undefined]).toEqual([true, false]);
      return client;
    }

    async function python(name: string): Promise<PythonClient> {
      const client = new PythonClient(relay());
      clients.push(client);
      client.say(`0:${name}:pw`);
      await expect.poll(() => client.id).not.toBe("");
      return client;
    }

    test("the Unity client follows who is in its room and who is the master", async () => {
      const ann = await unity("ann", "hall");
      const bob = await unity("bob", "hall");
      const eve = await unity("eve", "hall");
      const all = [ann.id, bob.id, eve.id];
      for (const one of [ann, bob, eve]) {
        await expect.poll(() => new Set(one.players.keys())).toEqual(new Set(all));
        expect(one.master).toBe(ann.id);
      }
      ann.leave();
      await expect.poll(() => [bob.master, eve.master]).toEqual([bob.id, bob.id]);
      expect([...ann.players]).toEqual([]);
      bob.quit();
      await expect.poll(() => [eve.master, [...eve.players.keys()]]).toEqual([eve.id, [eve.id]]);
      ann.join("hall");
      await expect.poll(() => ann.master).toBe(eve.id);
      expect([ann.broken, bob.broken, eve.broken]).toEqual([undefined, undefined, undefined]);
    });

    test("the Unity client talks by stream and by datagram, to rooms and to groups", async () => {
      const ann = await unity("ann", "den");
      const bob = await unity("bob", "den");
      await expect.poll(() => ann.players.size).toBe(2);
      for (const kind of [0, 1, 2, 3]) ann.send(kind, `stream ${kind}`);
      await expect.poll(() => bob.heard).toEqual([0, 1, 2, 3].map((kind) => `${ann.id}:stream ${kind}`));
      for (const kind of [0, 1]) ann.send(kind, `datagram ${kind}`, false);
      await expect
        .poll(() => bob.heard.slice(4).sort())
        .toEqual([`${ann.id}:datagram 0`, `${ann.id}:datagram 1`]);
      ann.setGroup("team", [ann.id, bob.id]);
      ann.sendToGroup("team", "by stream");
      await expect.poll(() => bob.heard.at(-1)).toBe(`${ann.id}:by stream`);
      ann.sendToGroup("team", "by datagram", false);
      await expect.poll(() => bob.heard.at(-1)).toBe(`${ann.id}:by datagram`);
      expect(ann.heard.map((line) => line.slice(line.indexOf(":") + 1)).sort()).toEqual(
        ["by datagram", "by stream", "datagram 1", "stream 1", "stream 3"].sort(),
      );
      expect([ann.broken, bob.broken]).toEqual([undefined, undefined]);
    });

    // [COLON-3.7] What it does wrong is told in lines of a type that it does not know.
    test("the Unity client is not thrown by an error line, nor by the names that it could not read", async () => {
      const ann = await unity("ann", "attic");
      ann.send(9, "no such kind");
      ann.join("a,b");
      ann.login("ann", "again");
      const eve = await python("ève");
      eve.say("2:attic\n3:0:naïve");
      await expect.poll(() => ann.heard).toHaveLength(1);
      expect(ann.broken).toBeUndefined();
    });

    test("the Python client sees the lines of the description, and its datagrams come back", async () => {
      const bob = await unity("bob", "loft");
      const ann = await python("ann");
      ann.say("2:loft");
      await expect.poll(() => ann.printed.split("\n").length).toBe(5);
      const names = setting === "usernames=true" ? [":ann", ":bob"] : ["", ""];
      expect(ann.printed.split("\n").slice(1)).toEqual([
        `2:${ann.id}:loft${names[0]}`,
        `2:${bob.id}:loft${names[1]}`,
        `4:${bob.id}`,
        "",
      ]);
      for (const form of [`0:${ann.id}`, `${ann.id}:0`]) ann.sayByUdp(form);
      await expect.poll(() => ann.datagrams).toEqual(Array(2).fill(`0:${ann.id}:connected`));
      ann.sayByUdp("3:1:hi");
      await expect.poll(() => ann.datagrams.at(-1)).toBe(`3:${ann.id}:hi`);
      await expect.poll(() => bob.heard).toEqual([`${ann.id}:hi`]);
      ann.say("1:");
      await expect.poll(() => ann.printed).toMatch(/\n1:(.*,)?loft-2\n$/);
    });
  },
);
