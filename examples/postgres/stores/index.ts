import type { Database } from '../database.js';
import { counterStore } from './counters.js';
import { oneTimeStore } from './one-time.js';
import { sessionIndex } from './session-index.js';
import { sessionStore } from './sessions.js';

/** All that the nodes of a deployment share: `store` is for `session.store`, and `stores` for `stores`. */
export function sqlStores(database: Database) {
  return {
    store: sessionStore(database),
    stores: {
      oneTime: oneTimeStore(database),
      counters: counterStore(database),
      index: sessionIndex(database),
    },
  };
}
