/** What may be wider or higher than its place: it scrolls, and keys reach it. */

import type { ComponentChildren } from 'preact'

interface Props {
  /** Id of the element that names it, or its name. */
  readonly of?: string
  readonly label?: string
  readonly class?: string
  readonly children: ComponentChildren
}

export function Wide({ of, label, class: more = '', children }: Props) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    <div
      class={`wide ${more}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
      tabIndex={0}
      role="group"
      {...(of ? { 'aria-labelledby': of } : { 'aria-label': label })}
    >
      {children}
    </div>
  )
}
