/** A sign for each method of payment, drawn in lines. */

const paths: Readonly<Record<string, string>> = {
  cash: 'M3 7h18v10H3zM12 9.5a2.5 2.5 0 1 0 .01 0M6 10v4M18 10v4',
  reader: 'M7 3h10v18H7zM9.5 6h5v4h-5zM9.5 13h1M12 13h1M14.5 13h.5M9.5 16h1M12 16h1M14.5 16h.5',
  sbp: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 18h2v2h-2zM18 14h2M14 18v2',
  softpos: 'M8 3h8v18H8zM11 18h2M18.5 8a6 6 0 0 1 0 8M5.5 8a6 6 0 0 0 0 8',
}

export function MethodSign({ method }: { method: string }) {
  return (
    <svg class="sign" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[method] ?? ''} />
    </svg>
  )
}
