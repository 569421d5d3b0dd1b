/** What was refused or done, said once at the lower edge: it moves nothing, and goes by itself. */

import { useEffect, useState } from 'preact/hooks'
import { useBench, useSelect } from './state/view.ts'

const SHOWN = 7_000

export function Notice() {
  const { say } = useBench()
  const notice = useSelect(state => state.notice)
  const [gone, setGone] = useState(0)
  useEffect(() => {
    if (!notice) return
    const timer = setTimeout(() => setGone(notice.count), SHOWN)
    return () => clearTimeout(timer)
  }, [notice])
  const shown = notice && notice.count > gone ? notice : undefined
  return (
    <div class="notices" role="status" aria-live="polite">
      {shown && (
        <p class={shown.bad ? 'notice bad' : 'notice'}>
          {shown.text}{' '}
          <button type="button" class="quiet" aria-label={say('bench.close')} onClick={() => setGone(shown.count)}>
            ✕
          </button>
        </p>
      )}
    </div>
  )
}
