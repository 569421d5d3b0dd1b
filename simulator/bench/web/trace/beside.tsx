/** Another trace beside the one of the bench: from a file, with its own axis, list and outcome. */

import { useState } from 'preact/hooks'
import { parseTraceLog } from '../../../../src/trace/read.ts'
import { Outcome } from '../../../trace-view/outcome.tsx'
import { TraceView } from '../../../trace-view/trace-view.tsx'
import type { BenchState } from '../state/store.ts'

type Other = NonNullable<BenchState['other']>

/** @throws Fault `bad-config` for what is no trace */
export async function readOther(file: File): Promise<Other> {
  return { name: file.name, events: parseTraceLog(await file.text()).events }
}

export function Beside({ other: { name, events } }: { other: Other }) {
  const [selected, setSelected] = useState<number>()
  const [focus, setFocus] = useState(0)
  return (
    <div class="beside">
      <TraceView events={events} name={name} selected={selected} focus={focus} onSelect={setSelected} />
      <Outcome
        events={events}
        onStep={at => {
          setSelected(at)
          setFocus(one => one + 1)
        }}
      />
    </div>
  )
}
