/** Whose words an answer is in, here at once: on virtual time nothing is waited for. */

export { asAnother } from '../../wrong-family.ts'
