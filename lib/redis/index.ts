export type { RedisClient, SetOptions } from './client.js';
export { type Ioredis, ioredisClient } from './ioredis.js';
export { type RedisStores, type RedisStoresOptions, redisStores } from './stores.js';
