import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  Cluster,
  hasPostgres,
  PASSWORD,
  START_MS,
} from "../../../packages/accounts-sql/test/postgres-cluster.ts";
import { ANY_PORTS, Running, serve, temporaryDirectory, wireyard } from "./processes.ts";
import { Client, frame } from "./sockets.ts";
import { startWebServer, type WebServer } from "./web-server.ts";

describe.skipIf(!hasPostgres)("accounts in PostgreSQL", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = new Cluster();
    await cluster.start();
    return () => cluster.remove();
  }, START_MS);

  async function node(url: string): Promise<WebServer & { request(command: string): Promise<string> }> {
    const directory = temporaryDirectory();
    const server = await startWebServer([
      `accounts=${url}`,
      `web.adminTokenFile=${join(directory, "admin")}`,
      `protocols.json-packet.keyFile=${join(directory, "key.pem")}`,
      "drainMs=0",
    ]);
    const client = new Client(server.ports["comma-command"]?.tcp ?? 0);
    const request = (command: string): Promise<string> => {
      client.send(frame(`req,1,${command}`));
      return client.receive(/req,1,.+$/s);
    };
    return { ...server, request };
  }

  it("are those of every node", async () => {
    const url = cluster.url(await cluster.database());
    const [one, two] = [await node(url), await node(url)];
    expect(await one.request("register,ann,hunter-22")).toMatch(/,ok$/);
    expect(await two.request("login,ann,hunter-22")).toMatch(/,ok$/);
    const outcomes = await Promise.all([one, two].map(({ request }) => request("register,bob,hunter-33")));
    expect(outcomes.filter((answer) => answer.endsWith(",ok"))).toHaveLength(1);
    expect(outcomes.filter((answer) => answer.includes(",invalid_name,the user name is taken"))).toHaveLength(
      1,
    );
  });

  it("that cannot be asked are answered with an error, told by /readyz, and used again on their return", async () => {
    const server = await node(cluster.url(await cluster.database()));
    expect(await server.request("register,ann,hunter-22")).toMatch(/,ok$/);
    expect(await server.ask("/readyz")).toMatchObject({ status: 200 });

    await cluster.crash();
    for (const command of ["register,bob,hunter-33", "login,ann,hunter-22", "send,bob,text,hi"]) {
      expect(await server.request(command)).toMatch(/req,1,error,nonfatal,/);
    }
    await expect.poll(async () => (await server.ask("/readyz")).status, { timeout: 5_000 }).toBe(503);

    await cluster.start();
    expect(await server.request("login,ann,hunter-22")).toMatch(/,ok$/);
    expect(await server.request("register,bob,hunter-33")).toMatch(/,ok$/);
    await expect.poll(async () => (await server.ask("/readyz")).status, { timeout: 5_000 }).toBe(200);
    expectNoPassword(server.logged.join(""));
  });

  it("are waited for by a server that starts before them, until a signal ends it", async () => {
    const missing = temporaryDirectory();
    const url = `postgres://wireyard:${encodeURIComponent(PASSWORD)}@/db?host=${missing}`;
    const server = new Running(["serve", ...ANY_PORTS, "--set", `accounts=${url}`], {});
    expect(await server.logged("the accounts database does not answer yet")).toMatchObject({ level: "warn" });
    server.child.kill("SIGTERM");
    const { code, stderr } = await server.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /there is no socket in that directory; start PostgreSQL, or name another host .*$/,
    );
    expectNoPassword(stderr);
  });

  it("are told of without their password, where they are open and where they cannot be", async () => {
    const url = cluster.url(await cluster.database());
    const server = await serve(["--set", `accounts=${url}`]);
    const { accounts } = await server.logged("accounts are open");
    expect(accounts).toMatch(/^postgres:\/\/wireyard:\*\*\*@/);
    server.child.kill("SIGTERM");
    const { code, stdout, stderr } = await server.ended;
    expect(code).toBe(0);
    expectNoPassword(stdout + stderr);

    const refused = await wireyard(["serve", "--set", `accounts=${url.replace("wireyard:", "nobody:")}`]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^wireyard: accounts: cannot open the accounts database test\d+ at .*password is wrong/,
    );
    expectNoPassword(refused.stdout + refused.stderr);
  });
});

function expectNoPassword(text: string): void {
  for (const form of [PASSWORD, encodeURIComponent(PASSWORD)]) expect(text).not.toContain(form);
}
