import { isUuid } from '../wire/ids.js';
import { type AuthSession, authSessionOf } from './auth-session.js';
import { endAll, type ListedSession } from './ending.js';
import type { Sessions } from './sessions.js';

/** Whose sessions are meant. */
export type EntityReference = { user: string } | { app: string };

/** Which of an entity's sessions are meant; all of them when nothing is named. */
export interface SessionSelection {
  /** The session with this `AuthSession.id`. */
  id?: string;
  /** All but the session with this `AuthSession.id`. */
  except?: string;
  /** The sessions that were made with this credential: an app secret's id, or a user's credentialVersion. */
  credentialId?: string | number;
}

/** Lists and ends sessions from outside a request; `control.sessions`. */
export interface SessionAdministration {
  /** The live sessions of a user or an app, those that end soonest first. */
  list(entity: EntityReference, selection?: SessionSelection): Promise<AuthSession[]>;
  /** Ends sessions of a user or an app, on all nodes, and answers how many there were. */
  end(entity: EntityReference, selection?: SessionSelection): Promise<number>;
}

/** Makes `control.sessions`. */
export function sessionAdministration(sessions: Sessions): SessionAdministration {
  const select = async (entity: EntityReference, selection: SessionSelection) => {
    const [type, id] = checkedEntity(entity);
    checkSelection(selection);
    const all = await sessions.list(type, id);
    return { type, selected: all.filter((session) => isSelected(session, selection)) };
  };
  return {
    async list(entity, selection = {}) {
      const { selected } = await select(entity, selection);
      return selected.flatMap(({ key, record }) => (record === null ? [] : [authSessionOf(key, record)]));
    },
    async end(entity, selection = {}) {
      const { type, selected } = await select(entity, selection);
      await endAll(sessions, type, selected, 'ended_by_host');
      return selected.length;
    },
  };
}

/** Whether a session is meant. One that cannot be read may be of any credential, so it is. */
function isSelected({ key, record }: ListedSession, { id, except, credentialId }: SessionSelection): boolean {
  if (id !== undefined && key !== id) return false;
  if (except !== undefined && key === except) return false;
  return record === null || credentialId === undefined || record.credentialId === String(credentialId);
}

/** A reference to nobody, or a misspelt selection, would end too few sessions or too many. */
function checkedEntity(entity: EntityReference): ['user' | 'app', string] {
  const [[type, id] = [], ...more] = Object.entries(entity);
  if ((type === 'user' || type === 'app') && isUuid(id) && more.length === 0) return [type, id];
  throw new TypeError('passport-control: sessions: name { user } or { app } by a UUID in lower case');
}

function checkSelection(selection: SessionSelection): void {
  for (const [name, value] of Object.entries(selection)) {
    const text = typeof value === 'string' || (name === 'credentialId' && typeof value === 'number');
    if (!text || !['id', 'except', 'credentialId'].includes(name)) {
      throw new TypeError(
        `passport-control: sessions: ${name} is no selection: id, except and credentialId are`,
      );
    }
  }
}
