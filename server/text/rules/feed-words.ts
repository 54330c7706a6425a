import type { RuleTexts } from "./rule-text.ts";

/** Words of the rules about data that arrives. */
export const feedWords = {
  disconnected: {
    en: {
      title: "No connection to Binance",
      act: "it reconnects by itself",
      cost: "Data sent meanwhile is missed. Missing trades are fetched afterwards; order books cannot be.",
      mild: {
        title: "A connection to Binance is down",
        cost: "Its streams are not recorded; all others are.",
      },
      advice: "It reconnects automatically. If this lasts, check this machine's network.",
    },
    ko: {
      title: "바이낸스 연결 끊김",
      act: "자동 재연결 중",
      cost: "그동안 바이낸스가 보낸 데이터는 기록되지 않습니다. 체결은 복구 후 다시 받아 오지만 호가는 복구할 수 없습니다.",
      mild: {
        title: "바이낸스 연결 일부 끊김",
        cost: "그 연결의 스트림만 기록되지 않고, 나머지는 계속 기록 중입니다.",
      },
      advice: "자동으로 다시 연결합니다. 오래 가면 서버의 네트워크를 확인하세요.",
    },
  },
  reconnect_storm: {
    en: {
      title: "Connection keeps breaking",
      brief: "{value} times lately",
      act: "check the line",
      cost: "Each disconnect can lose a second or two of order books.",
      advice:
        "The cause is usually the internet line or a proxy. `rt-data check` shows the route to Binance; feed.connections = 2 bridges short breaks.",
    },
    ko: {
      title: "연결이 자주 끊김",
      brief: "최근 {value}회",
      act: "회선 확인",
      cost: "끊길 때마다 호가 1~2초가 빠질 수 있습니다.",
      advice:
        "대개 회선이나 프록시 문제입니다. `rt-data check`로 바이낸스까지의 경로를 확인하세요. feed.connections = 2로 짧은 끊김을 막을 수 있습니다.",
    },
  },
  stale: {
    en: {
      title: "No data",
      titleOf: "No data from {subjects}",
      act: "it retries by itself",
      cost: "These streams are not recorded; all others are.",
      advice:
        "The recorder tries another connection automatically. If this lasts, check whether Binance has halted or delisted the symbol.",
    },
    ko: {
      title: "수신 끊김",
      titleOf: "{subjects} 수신 끊김",
      act: "자동 재시도 중",
      cost: "해당 데이터만 기록되지 않고, 나머지는 계속 기록 중입니다.",
      advice: "다른 연결을 자동으로 시도합니다. 오래 가면 바이낸스의 거래 중단이나 상장 폐지 여부를 확인하세요.",
    },
  },
  gap: {
    en: {
      title: "Gap in the recording",
      titleOf: "Gap in {subjects}",
      brief: "{value}",
      act: "no action needed",
      cost: "The gap is over and recorded. Trades still available from Binance were fetched.",
      advice: "See {gaps} for the streams and the cause.",
    },
    ko: {
      title: "기록 공백",
      titleOf: "{subjects} 기록 공백",
      brief: "{value}",
      act: "조치 불필요",
      cost: "이미 끝난 공백입니다. 체결은 받을 수 있는 만큼 다시 받았고, 호가는 복구할 수 없습니다.",
      advice: "어떤 스트림이 왜 빠졌는지 {gaps}에서 볼 수 있습니다.",
    },
  },
  delay: {
    en: {
      title: "Late data",
      titleOf: "Late data from {subjects}",
      brief: "{value}",
      act: "check the line",
      cost: "All data is recorded unless latency.gate drops it, but receive times are less accurate.",
      advice: "The cause is usually a busy internet line; {delay} shows the delay of each symbol.",
    },
    ko: {
      title: "데이터 지연",
      titleOf: "{subjects} 데이터 지연",
      brief: "{value}",
      act: "회선 확인",
      cost: "latency.gate로 버리지 않는 한 모두 기록되지만 수신 시각의 정확도가 떨어집니다.",
      advice:
        "대개 회선이 혼잡할 때 생깁니다. 같은 회선을 쓰는 다른 작업을 확인하세요. {delay}에서 심볼별 지연을 볼 수 있습니다.",
    },
  },
  symbol_unknown: {
    en: {
      title: "Unknown symbol",
      titleOf: "Unknown symbol: {subjects}",
      act: "correct record.symbols",
      cost: "It is not recorded; all other symbols are.",
      advice:
        "The symbol is misspelled, delisted or renamed: correct record.symbols and reload the config. Recorded data stays.",
    },
    ko: {
      title: "바이낸스에 없는 심볼",
      titleOf: "바이낸스에 없는 심볼: {subjects}",
      act: "record.symbols 수정",
      cost: "이 심볼은 기록되지 않고, 나머지는 계속 기록 중입니다.",
      advice:
        "오타이거나, 상장 폐지되었거나, 이름이 바뀐 심볼입니다. 기록한 데이터는 남습니다. record.symbols를 고친 뒤 `sudo systemctl reload rt-data`를 실행하세요.",
    },
  },
} satisfies Partial<RuleTexts>;
