/** A list of any length: only the rows that can be seen are in the page. One of them is chosen, by pointer or keys. */

import type { ComponentChildren } from 'preact'
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'

export const ROW = 24
/** Rows above and below what can be seen: for who scrolls, and while a list that grows stays with its end. */
const [BEYOND, AT_END] = [12, 1]

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
  // Where it stands is known without asking: who asks a list that has just changed makes it be laid out at once.
  const end = Math.max(0, items.length * ROW - height)
  const atEnd = useRef(true)
  const following = follow && atEnd.current
  useLayoutEffect(() => {
    if (box.current && following) box.current.scrollTop = end
  }, [end, following])
  useEffect(() => {
    const list = box.current
    if (focus === 0 || !list) return
    list.focus()
    list.scrollTop = (place + 0.5) * ROW - list.clientHeight / 2 // what is led to stands in the middle
  }, [focus])

  const [from, beyond] = following ? [end, AT_END] : [top, BEYOND]
  const first = Math.max(0, Math.floor(from / ROW) - beyond)
  const rows = Math.ceil(height / ROW) + 2 * beyond
  const seen = items.slice(first, first + rows)
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
      onScroll={({ currentTarget: list }) => {
        atEnd.current = list.scrollTop >= end - 2 * ROW
        if (!follow || !atEnd.current || !following) setTop(list.scrollTop)
      }}
      onKeyDown={key}
    >
      <div role="presentation" style={{ height: `${items.length * ROW}px` }}>
        <div role="presentation" style={{ transform: `translateY(${first * ROW}px)` }}>
          {seen.map((item, at) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the list has the focus and the keys
            <div
              key={(first + at) % rows} // a row that has left is the next one that comes
              id={`${own}-${item}`}
              role="option"
              aria-selected={item === selected}
              aria-setsize={following ? -1 : items.length} // not known while it grows
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
