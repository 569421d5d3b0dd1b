/** One simulated counter: a virtual reader with a card and a person to hold it, an acquirer with the issuer behind it, and a clock. `tapdip/simulator`. */

export type { BookedOrder } from './acquirer/booked.ts'
export type * from './acquirer/events.ts'
export { type AcquirerHost, type AcquirerOptions, startAcquirer } from './acquirer/host.ts'
export type {
  DeclineRule,
  DelayRule,
  HostRule,
  IssuerRule,
  LineRule,
  MinorUnits,
  PartialRule,
  Question,
  ReferRule,
  RuleAmount,
  RuleCondition,
  RuleScope,
  TvrRule,
  UnblockPinRule,
} from './acquirer/host-rule.ts'
export { type IsoLine, type IsoLineOptions, startIsoLine } from './acquirer/iso8583/host.ts'
export { type CardState, loadCard, VirtualCard, type VirtualCardOptions } from './cards/icc.ts'
export type {
  CardActionCodes,
  CardApplication,
  CardApplicationState,
  CardContactless,
  CardCvm,
  CardCvmRule,
  CardFaults,
  CardIssuerAuthentication,
  CardLog,
  CardNameBytes,
  CardOda,
  CardPin,
  CardProfile,
  CardRecord,
  CardRelayResistance,
  CardRisk,
  CardVelocity,
} from './cards/profile/card-profile.ts'
export type { Brand, CryptogramName, ScriptCommand } from './cards/profile/words.ts'
export { type ProfileName, profiles } from './cards/profiles/index.ts'
export { VirtualPhone } from './cards/tap/phone.ts'
export { Counter, type CounterOptions, switchRadio, virtualCounter } from './counter.ts'
export type { LineFaults } from './faults.ts'
export type { TestRsaKeyName } from './keys/test-rsa-keys.ts'
export { testCaKeys, testIssuerKeys, testPinAesDukpt, testPinDukpt, testRevoked } from './keys.ts'
export { type AnyCard, instant, type PersonOptions, person } from './person.ts'
export { type BluepadOptions, VirtualBluepad } from './readers/bluepad/bluepad.ts'
export { virtualEmv2 } from './readers/bluepad/emv2.ts'
export type { SessionFaults } from './readers/bluepad/mped-line.ts'
export { Body, type BodyOptions } from './readers/body/body.ts'
export { type CardholderScript, cardholder, type Pace, type Presentation, type Touchable, type Turn } from './readers/body/cardholder.ts'
export { type VirtualNfc, virtualNfc } from './readers/body/nfc.ts'
export type { PinRules } from './readers/body/pin-pad.ts'
export type { Battery, BodyEvent, Key, Light, PlasticCard, Presented, Screen, Signal, Sound } from './readers/body/senses.ts'
export { type VirtualFamily, virtualFamilies } from './readers/index.ts'
export type { HidPlug } from './readers/listen/hid-device.ts'
export { type ListenOptions, listen } from './readers/listen/listen.ts'
export type { Listening, ServeLink } from './readers/listen/listening.ts'
export type { PinKeyKind } from './readers/pin-keys.ts'
export { type QposOptions, VirtualQpos } from './readers/qpos/qpos.ts'
export type { VirtualReader } from './readers/reader.ts'
export { type Powered, type SlotCard, VpcdCard, type VpcdCardOptions } from './readers/vpcd.ts'
export type {
  CaseStatus,
  Expectation,
  ScenarioResult,
  SeenFault,
  SeenScreen,
  StepResult,
} from './scenario/result.ts'
export type {
  ScenarioApp,
  ScenarioCard,
  ScenarioHost,
  ScenarioPerson,
  ScenarioReader,
  ScenarioReaderName,
  ScenarioTerminal,
  ScenarioTerminalApplication,
  ScenarioTurn,
} from './scenario/typed/counter.ts'
export type { ScenarioDeed, ScenarioFault, ScenarioMoment, ScenarioScreenRule } from './scenario/typed/deeds.ts'
export type { Scenario, ScenarioPatch } from './scenario/typed/definition.ts'
export type { ScenarioExpect, ScenarioHostQuestion } from './scenario/typed/expect.ts'
export type { RunScenarioOptions, ScenarioFailure, ScenarioRun } from './scenario/typed/outcome.ts'
export { runScenario, scenario } from './scenario/typed/scenario.ts'
export type { ScenarioPayment, ScenarioStep } from './scenario/typed/steps.ts'
export type { ScenarioAmount } from './scenario/typed/words.ts'
export { type ReaderOptions, virtualConfig, virtualReader } from './virtual-reader.ts'
