/** A list of any length: only the rows that can be seen are in the page. One of them is chosen, by pointer or keys. */

import type { ComponentChildren } from 'preact'
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'

export const ROW = 24
/** Rows above and below what can be seen. */
const BEYOND = 12

interface Props {
  readonly label: string
  /** What the rows are of, in their order. */
  readonly items: readonly number[]
  readonly selected: number | undefined
  /** Counts up when the list is to take the focus. */
  readonly focus: number
  /** Its end stays in sight, unless somebody has scrolled away from it. */
  readonly follow?: boolean
  readonly onSelect: (item: number) => void
  readonly row: (item: number) => ComponentChildren
}

export function List({ label, items, selected, focus, follow = false, onSelect, row }: Props) {
  const own = useId()
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(400)
  const place = selected === undefined ? -1 : items.indexOf(selected)

  useEffect(() => {
    if (!box.current) return
    const watch = new ResizeObserver(() => box.current && setHeight(box.current.clientHeight))
    watch.observe(box.current)
    return () => watch.disconnect()
  }, [])
  useLayoutEffect(() => {
    const list = box.current
    if (!list || place < 0) return
    if (place * ROW < list.scrollTop) list.scrollTop = place * ROW
    else if ((place + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (place + 1) * ROW - list.clientHeight
    setTop(list.scrollTop)
  }, [place, items])
  const count = useRef(0)
  useLayoutEffect(() => {
    const list = box.current
    const atEnd = list && list.scrollTop + list.clientHeight >= (count.current - 2) * ROW
    count.current = items.length
    if (!list || !follow || !atEnd) return
    list.scrollTop = items.length * ROW
    setTop(list.scrollTop)
  }, [items, follow, height])
  useEffect(() => {
    const list = box.current
    if (focus === 0 || !list) return
    list.focus()
    list.scrollTop = (place + 0.5) * ROW - list.clientHeight / 2 // what is led to stands in the middle
  }, [focus])

  const first = Math.max(0, Math.floor(top / ROW) - BEYOND)
  const seen = items.slice(first, first + Math.ceil(height / ROW) + 2 * BEYOND)
  const key = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(height / ROW) - 1)
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -items.length,
      End: items.length,
    }
    const step = steps[event.key]
    if (step === undefined || items.length === 0) return
    event.preventDefault()
    onSelect(items[Math.max(0, Math.min(items.length - 1, (place < 0 && step > 0 ? -1 : place) + step))])
  }
  return (
    <div
      ref={box}
      class="list"
      role="listbox"
      aria-label={label}
      tabIndex={0}
      {...(place >= first && place < first + seen.length && { 'aria-activedescendant': `${own}-${selected}` })}
      onScroll={event => setTop(event.currentTarget.scrollTop)}
      onKeyDown={key}
    >
      <div role="presentation" style={{ height: `${items.length * ROW}px` }}>
        <div role="presentation" style={{ transform: `translateY(${first * ROW}px)` }}>
          {seen.map((item, at) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the list has the focus and the keys
            <div
              key={item}
              id={`${own}-${item}`}
              role="option"
              aria-selected={item === selected}
              aria-setsize={items.length}
              aria-posinset={first + at + 1}
              style={{ height: `${ROW}px` }}
              onClick={() => onSelect(item)}
            >
              {row(item)}
            </div>
          ))}
        </div>
      </div>
    </div>
  )
}
