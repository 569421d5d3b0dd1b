/** Battery and connection of a reader, small, in its head. */

import type { ReaderState } from '../../schema/types.ts'
import { useBench } from '../state/view.ts'

/** @param onOpen somebody who looks for the battery wants to change it */
export function Battery({ reader: { battery, connected, keypad, on }, onOpen }: { reader: ReaderState; onOpen: () => void }) {
  const { say } = useBench()
  const { percent, charging } = battery
  const full = (percent ?? 0) / 100
  return (
    <span class="status">
      {on ? <span class={`plug ${connected}`}>{say(`bench.connected.${connected}`)}</span> : <b class="bad">{say('bench.off')}</b>}
      {on && keypad && <span class="reads">{say('bench.keypad')}</span>}
      {percent !== undefined && (
        <button type="button" class={percent <= 10 && !charging ? 'battery low' : 'battery'} onClick={onOpen}>
          <svg viewBox="0 0 25 12" width="25" height="12" aria-hidden="true">
            <rect x=".5" y=".5" width="21" height="11" rx="2.5" fill="none" stroke="currentColor" />
            <rect x="22.5" y="3.5" width="2" height="5" rx="1" fill="currentColor" />
            <rect x="2.5" y="2.5" width={17 * full} height="7" rx="1" fill="currentColor" />
            {charging && <path d="M12 1.5L8 7h3l-1 3.5L14 5h-3z" class="bolt" />}
          </svg>
          <span class="unseen">{say(charging ? 'bench.battery.charging' : 'bench.battery', { percent })}</span>
          <span aria-hidden="true">{percent} %</span>
        </button>
      )}
    </span>
  )
}
