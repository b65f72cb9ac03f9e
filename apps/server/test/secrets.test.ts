import { describe, expect, it } from "vitest";
import { serve } from "./processes.ts";
import { Client, frame, STATUS_REQUEST } from "./sockets.ts";

const PASSWORD = "hunter2-81c6";
const settings = (...pairs: string[]): string[] => pairs.flatMap((pair) => ["--set", pair]);

describe("passwords, cookies and tokens", () => {
  it("are in no log, at its most talkative, and in nothing that other clients see", async () => {
    const colonRelay = "protocols.colon-relay";
    const server = await serve(
      settings("log.level=trace", `${colonRelay}.udp.cookie=true`, `${colonRelay}.auth=accounts`),
    );
    const { ready } = server;
    const secrets: string[] = [PASSWORD];

    const comma = new Client(ready["comma-command"].tcp);
    comma.send(frame(`register,ann-ann,${PASSWORD}`));
    await comma.receive(/ok/);
    const seen: string[] = [];
    for (const [password, answer] of [
      [`${PASSWORD}x`, /wrong_user/],
      [PASSWORD, /ok/],
      [`${PASSWORD},${PASSWORD}`, /syntax/],
    ] as const) {
      comma.send(frame(`login,ann-ann,${password}`));
      seen.push(await comma.receive(answer));
    }

    const colon = new Client(ready["colon-relay"].tcp);
    colon.send(`0:ann-ann:${PASSWORD}x\n`);
    seen.push(await colon.receive(/\n/));
    colon.send(`0:ann-ann:${PASSWORD}\n`);
    const [, cookie = ""] = /^0:\d+:(.+)\n/.exec(await colon.receive(/\n/)) ?? [];
    expect(cookie).not.toBe("");
    colon.send(`2:lobby\n9:${PASSWORD}\n0:ann-ann:${PASSWORD}\n1:\n`);
    seen.push(await colon.receive(/1:lobby-1\n/));

    const json = new Client(ready["json-packet"].tcp);
    const tokens = await json.receive(/\n/);
    const { uuid, remoteToken } = JSON.parse(tokens).data;
    secrets.push(cookie, uuid, remoteToken);
    json.send(`{"action":"${PASSWORD}","data":"${PASSWORD}","packet-created":1,"token":"${uuid}x"}`);
    seen.push(await json.receive(/bad_token/));
    // Broken on purpose, in the middle of its token.
    json.send(`{"action":"PING","token":"${uuid}`);
    json.socket.resetAndDestroy();

    const varint = new Client(ready["varint-state"].tcp);
    varint.send(STATUS_REQUEST);
    seen.push(await varint.receive(/\}\}$/));

    server.child.kill("SIGTERM");
    const { stdout, stderr } = await server.ended;
    const everything = [stdout, stderr, ...seen.map((text) => text.replaceAll(remoteToken, ""))].join("\n");
    // The server's own token is in each of its packets to its client: that one is told apart above.
    expect(secrets.filter((secret) => everything.includes(secret))).toEqual([]);
  });
});
