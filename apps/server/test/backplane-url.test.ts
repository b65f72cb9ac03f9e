import { redisBackplane } from "@wireyard/backplane-redis";
import { describe, expect, it } from "vitest";
import { backplaneTarget } from "../src/config/backplane-url.ts";
import { ConfigError, loadConfig } from "../src/config/load.ts";

const taken: [string, ReturnType<typeof backplaneTarget>][] = [
  ["redis://h:6379", { options: { url: "redis://h:6379" }, place: "h:6379" }],
  ["rediss://u:pw@h/3", { options: { url: "rediss://u:pw@h/3" }, place: "h" }],
  [
    "redis+sentinel://a:26379,b:26380/main",
    {
      options: {
        sentinels: {
          name: "main",
          addresses: [
            { host: "a", port: 26379 },
            { host: "b", port: 26380 },
          ],
        },
        connection: {},
      },
      place: "the group main of a:26379,b:26380",
    },
  ],
  [
    "rediss+sentinel://u:p%40w@[::1]:1,b.example/my%20group",
    {
      options: {
        sentinels: {
          name: "my group",
          addresses: [
            { host: "::1", port: 1 },
            { host: "b.example", port: 26379 },
          ],
        },
        connection: { username: "u", password: "p@w", tls: {} },
      },
      place: "the group my group of [::1]:1,b.example",
    },
  ],
  [
    "redis+cluster://:pw@a:7000,b",
    {
      options: {
        cluster: [
          { host: "a", port: 7000 },
          { host: "b", port: 6379 },
        ],
        connection: { password: "pw" },
      },
      place: "the cluster of a:7000,b",
    },
  ],
  [
    "rediss+cluster://10.0.0.1:7000",
    {
      options: { cluster: [{ host: "10.0.0.1", port: 7000 }], connection: { tls: {} } },
      place: "the cluster of 10.0.0.1:7000",
    },
  ],
];

describe("an address of a back plane", () => {
  it.each(taken)("%s is what the back plane takes", (text, target) => {
    expect(backplaneTarget(text)).toEqual(target);
    redisBackplane(target.options);
    const { config } = loadConfig({ env: { WIREYARD_BACKPLANE: text }, settings: [] });
    expect(config.backplane?.reveal()).toBe(text);
  });

  it.each([
    "redis://",
    "redis://a,b",
    "redis://a:1,b:2",
    "redis+sentinel://a:26379",
    "redis+sentinel://a:26379/",
    "redis+sentinel:///main",
    "redis+sentinel://a:26379,/main",
    "redis+sentinel://a:0/main",
    "redis+sentinel://a:65536/main",
    "redis+sentinel://a:x/main",
    "redis+sentinel://u:hunter2@a@b/main",
    "redis+sentinel://u:%zz@a/main",
    "redis+sentinel://a/main/0",
    "redis+sentinel://a/main?db=1",
    "redis+cluster://a:7000/0",
    "redis+nodes://a:7000",
    "sentinel://a/main",
    "a:6379",
  ])("%s is none, and told without its password", (text) => {
    expect(() => backplaneTarget(text)).toThrow();
    const load = (): unknown => loadConfig({ env: {}, settings: [`backplane=${text}`] });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/^backplane \(from --set\): ".*" is not redis:\/\/HOST:PORT, redis\+sentinel:/);
    expect(load).not.toThrow(/hunter2/);
  });
});
