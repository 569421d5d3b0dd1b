/** Routes of scenarios: what was done as a file, and a file run in this process, on virtual time and at a counter of its own. */

import { z } from 'zod'
import { Fault } from '../../../src/errors.ts'
import { Raw, route } from './route.ts'

const text = z.strictObject({
  text: z.string().min(1).max(1_000_000).describe('A scenario file: YAML or JSON'),
  trace: z.boolean().optional().describe('With the trace of each case; without, when left out'),
})

const result = z
  .looseObject({ name: z.string(), status: z.enum(['passed', 'failed', 'skipped', 'flaky']), reason: z.string().optional() })
  .meta({ id: 'ScenarioResult' })

/** Cases of one file. */
const MOST = 200

export const scenarioRoutes = [
  route({
    ...{ method: 'post', path: '/api/sessions/{s}/mark', name: 'markScenario', summary: 'What is done from here on is the next scenario' },
    run: ({ session }) => session.mark(),
  }),
  route({
    ...{
      method: 'get',
      path: '/api/sessions/{s}/scenario',
      name: 'getScenario',
      summary: 'What was done since the last mark, as a scenario file',
    },
    query: z.strictObject({ reader: z.string().optional().describe('At this reader; the one that was touched first when left out') }),
    media: 'application/yaml',
    run: ({ session, query }) => new Raw({ type: 'application/yaml; charset=utf-8', body: session.scenario(query.reader) }),
  }),
  route({
    ...{
      method: 'post',
      path: '/api/sessions/{s}/scenario',
      name: 'runScenario',
      summary: 'Runs a scenario file; what is wrong with it is told by line and path',
    },
    ...{ body: text, answers: z.object({ results: z.array(result) }) },
    run: async ({ body, signal }) => {
      const { parseScenarios } = await import('../../scenario/read.ts')
      const { casesOf } = await import('../../scenario/matrix.ts')
      const { runCase } = await import('../../scenario/run.ts')
      const cases = parseScenarios(body.text, 'scenario.yaml').flatMap(casesOf)
      if (cases.length > MOST)
        throw new Fault('bad-argument', `${cases.length} cases: at most ${MOST} are run here`, {
          field: 'text',
          value: String(cases.length),
          rule: `up to ${MOST} cases`,
        })
      const results = []
      for (const one of cases) {
        const { trace, ...told } = await runCase(one, { signal })
        results.push({ ...told, ...(body.trace && trace && { trace }) })
      }
      return { results }
    },
  }),
]
