/** The whole counter: shelf, app, readers, bank, trace; and what is told to all of them. */

import { useLayoutEffect, useMemo, useState } from 'preact/hooks'
import type { Language } from '../../../src/messages/messages.ts'
import { ViewContext, viewIn } from '../../trace-view/view.ts'
import { Apps } from './apps.tsx'
import { Bank } from './bank/bank.tsx'
import { Dragged, useDrag } from './hand/drag.tsx'
import { Head } from './head.tsx'
import { Notice } from './notice.tsx'
import type { Past } from './readers/reader.tsx'
import { Readers } from './readers/readers.tsx'
import { Shelf } from './shelf/shelf.tsx'
import type { BenchApi, SessionApi } from './state/api.ts'
import type { BenchStore } from './state/store.ts'
import { BenchContext, firstLanguage, keepLanguage, refusalText, sayIn } from './state/view.ts'
import { TracePanel } from './trace/trace-panel.tsx'

interface Props {
  readonly api: SessionApi
  readonly bench: BenchApi
  readonly store: BenchStore
}

function Places({ sounds }: { sounds: boolean }) {
  const { drag, begin } = useDrag()
  const [past, setPast] = useState<ReadonlyMap<string, Past>>()
  const grab = (store: BenchStore) => (id: string, event: PointerEvent) => {
    const card = store.state.cards.find(one => one.id === id)
    if (card) begin(card, event)
  }
  return (
    <BenchContext.Consumer>
      {({ store }) => (
        <main class={drag ? 'dragging' : ''}>
          <div class="counter">
            <Apps />
            <Readers drag={drag} onGrab={grab(store)} sounds={sounds} past={past} />
            <Shelf onGrab={grab(store)} overShelf={drag?.over.shelf === true && drag.card.place !== null} />
            <Bank />
          </div>
          <TracePanel onPast={setPast} />
          {drag && <Dragged drag={drag} />}
        </main>
      )}
    </BenchContext.Consumer>
  )
}

export function Counter({ api, bench, store }: Props) {
  const [language, setLanguage] = useState<Language>(firstLanguage)
  const [sounds, setSounds] = useState(false)
  const view = useMemo(() => viewIn(language), [language])
  const value = useMemo(() => {
    const say = sayIn(language)
    return {
      ...{ say, language, store, api },
      act: async <T,>(deed: (api: SessionApi) => Promise<T>): Promise<T | undefined> => {
        try {
          return await deed(api)
        } catch (error) {
          store.tell(refusalText(say, error), true)
          return undefined
        }
      },
    }
  }, [language])
  useLayoutEffect(() => {
    document.documentElement.lang = language
    keepLanguage(language)
  }, [language])
  return (
    <ViewContext.Provider value={view}>
      <BenchContext.Provider value={value}>
        <Head bench={bench} onLanguage={setLanguage} sounds={sounds} onSounds={setSounds} />
        <Places sounds={sounds} />
        <Notice />
      </BenchContext.Provider>
    </ViewContext.Provider>
  )
}
