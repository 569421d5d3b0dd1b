/** Every route of the API. */

import { appRoutes } from './apps.ts'
import { bankRoutes } from './bank.ts'
import { cardRoutes } from './cards.ts'
import { eventRoutes } from './events.ts'
import { readerRoutes } from './readers.ts'
import type { Route } from './route.ts'
import { scenarioRoutes } from './scenario.ts'
import { sessionRoutes } from './sessions.ts'

export const routes: readonly Route[] = [
  ...sessionRoutes,
  ...readerRoutes,
  ...cardRoutes,
  ...bankRoutes,
  ...appRoutes,
  ...eventRoutes,
  ...scenarioRoutes,
]
