/** The buzzer, where somebody has asked to hear it: short tones, made here. */

/** Hertz and milliseconds, one tone after another (EMV Contactless Book A, 9.3: one tone for success, two low ones for an alert). */
const tones = {
  key: [[1500, 40]],
  ok: [[1500, 500]],
  error: [
    [750, 200],
    [0, 200],
    [750, 200],
  ],
} as const

let context: AudioContext | undefined

/** Plays it. Silent where the browser has no sound. */
export function beep(sound: keyof typeof tones): void {
  if (typeof AudioContext === 'undefined') return
  context ??= new AudioContext()
  let at = context.currentTime
  for (const [pitch, length] of tones[sound]) {
    const end = at + length / 1000
    if (pitch > 0) {
      const [tone, volume] = [context.createOscillator(), context.createGain()]
      tone.frequency.value = pitch
      volume.gain.value = 0.08
      tone.connect(volume).connect(context.destination)
      tone.start(at)
      tone.stop(end)
    }
    at = end
  }
}
