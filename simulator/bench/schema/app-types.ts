/** An app of the bench by name, as `types.ts` has the other nouns: `app.ts` holds it to what is checked. */

/** A button, or what can be chosen. */
export interface AppAction {
  /** What an answer names. */
  readonly id: string
  /** Its text. */
  readonly label: string
  /** plain when left out. */
  readonly look?: 'primary' | 'cancel' | 'plain' | 'link' | undefined
  /** It is refused now. */
  readonly disabled?: boolean | undefined
  /** Of the fields that it belongs to. */
  readonly group?: string | undefined
}

/** Something to be filled in. */
export interface AppField {
  /** What an answer names. */
  readonly id: string
  /** Its text. */
  readonly label: string
  /** What stands in it. */
  readonly value: string
  /** `check`: its value is `yes` or empty. */
  readonly type: 'text' | 'money' | 'number' | 'email' | 'check'
  /** It must be filled in. */
  readonly required?: boolean | undefined
  /** Those of one group stand together. */
  readonly group?: string | undefined
  /** Told as it is typed, by the action `typed`. */
  readonly live?: boolean | undefined
  /** What is wrong with it. */
  readonly error?: string | undefined
}

/** What a screen of an app is. */
export type AppScreenKind =
  | 'order'
  | 'method'
  | 'orders'
  | 'notifications'
  | 'part'
  | 'location'
  | 'locationDialog'
  | 'permissionDialog'
  | 'pairDialog'
  | 'search'
  | 'found'
  | 'noneFound'
  | 'connecting'
  | 'change'
  | 'payment'
  | 'chooseApplication'
  | 'referral'
  | 'signature'
  | 'firmware'
  | 'updating'
  | 'sbp'
  | 'result'
  | 'inProcess'
  | 'alreadyPaid'
  | 'stillProcessing'
  | 'fault'
  | 'receipt'
  | 'closed'

/** A screen of an app as data. */
export interface AppScreen {
  /** Of this screen: an answer names it. */
  readonly n: number
  /** Counts its changes: the screen is the same, some of it is new. */
  readonly revision: number
  /** What it is. */
  readonly kind: AppScreenKind
  /** Above it. */
  readonly title: string
  /** What it says. */
  readonly lines: {
    /** Of the table of messages. */
    readonly id: string
    /** In the app's language. */
    readonly text: string
    /** `reader`: what its display shows; plain when left out. */
    readonly tone?: 'plain' | 'strong' | 'error' | 'warning' | 'good' | 'reader' | undefined
  }[]
  /** Facts, one below the other. */
  readonly rows?:
    | {
        /** Of the table of messages. */
        readonly id: string
        /** What it is. */
        readonly label: string
        /** And how much. */
        readonly value: string
        /** `waiting`: with the sign of refreshing. */
        readonly tone?: 'total' | 'good' | 'error' | 'waiting' | undefined
      }[]
    | undefined
  /** What is bought. */
  readonly items?:
    | {
        /** Above them. */
        readonly title: string
        /** One each. */
        readonly list: {
          /** Of this item. */
          readonly id: string
          /** With how many. */
          readonly name: string
          /** With its currency. */
          readonly price: string
          /** What is taken off. */
          readonly discount?: string | undefined
        }[]
      }
    | undefined
  /** Answered as actions. */
  readonly choices?:
    | {
        /** What an answer names. */
        readonly id: string
        /** Its text. */
        readonly label: string
        /** Below it. */
        readonly note?: string | undefined
      }[]
    | undefined
  /** To be filled in. */
  readonly fields?: AppField[] | undefined
  /** Its buttons. */
  readonly actions: AppAction[]
  /** An answer was taken, and the next screen is on its way. */
  readonly answered?: boolean | undefined
  /** Something goes on: a wheel turns. */
  readonly busy?: boolean | undefined
  /** Percent. */
  readonly progress?: number | undefined
  /** A code for the customer's bank. */
  readonly qr?:
    | {
        /** As a picture. */
        readonly svg: string
        /** What it says. */
        readonly text: string
      }
    | undefined
  /** A receipt as it is printed, a line each. */
  readonly slip?: string[] | undefined
  /** The receipt as a picture: a data URL. */
  readonly picture?: string | undefined
  /** There is a pad to sign on. */
  readonly signature?:
    | {
        /** As it was confirmed. */
        readonly svg?: string | undefined
      }
    | undefined
}

/** An app of the bench as it is now. */
export interface AppState {
  /** `a1`. */
  readonly id: string
  /** Of its texts. */
  readonly language: 'en' | 'ru'
  /** The location service of the phone; `ask`: it is on, and the app has not been allowed it yet. */
  readonly location: 'on' | 'off' | 'ask' | 'denied'
  /** The phone's own. */
  readonly network: 'on' | 'off'
  /** That it is connected to. */
  readonly reader?: string | undefined
  /** What it shows. */
  readonly screen: AppScreen
  /** What became of payments later, newest first. */
  readonly notices: {
    /** Counts from 1. */
    readonly n: number
    /** Milliseconds since 1970. */
    readonly at: number
    /** Above it. */
    readonly title: string
    /** What it says. */
    readonly text: string
    /** Somebody has seen it. */
    readonly read: boolean
  }[]
}

/** A press of a button, with what was filled in. */
export interface AppAnswer {
  /** Of the screen that is answered: its `n`. */
  readonly screen: number
  /** Of an action or a choice; `typed` for a field that is live. */
  readonly action: string
  /** By their ids. */
  readonly fields?: Record<string, string> | undefined
  /** A signature: each from where the pen touched to where it left. */
  readonly strokes?: [number, number][][] | undefined
}
