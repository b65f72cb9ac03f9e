export { type RedisBackplane, redisBackplane } from "./backplane.ts";
export type { BackplaneCounters } from "./counters.ts";
export { BACKPLANE_REDIS_DEFAULTS, type EngineAddress, type RedisBackplaneOptions } from "./options.ts";
