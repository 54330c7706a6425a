import type { RuleTexts } from "./rule-text.ts";

/** Words of the rules about the program's own work: archives, catalogue, upload. */
export const workWords = {
  backlog: {
    en: {
      title: "Compression is behind",
      brief: "{value} waiting",
      act: "it catches up by itself",
      cost: "No data is lost, but the disk fills faster.",
      advice:
        "It catches up when the CPU has time; a lower archive.level helps. Failed work is tried again at the next start.",
    },
    ko: {
      title: "압축·병합 밀림",
      brief: "{value}개 대기",
      act: "자동으로 따라잡음",
      cost: "유실되는 데이터는 없지만 디스크가 더 빨리 찹니다.",
      advice:
        "CPU에 여유가 생기면 자동으로 따라잡습니다. archive.level을 낮추면 빨라집니다. 실패한 작업은 다음 시작 때 다시 합니다.",
    },
  },
  fault: {
    en: {
      title: "Part of RT-Data has failed",
      titleOf: "Part of RT-Data has failed: {subjects}",
      act: "report it if it stays",
      cost: "Recording and all other parts go on.",
      advice: "The error is in {logs}. If it persists, report it; a newer version may have fixed it.",
    },
    ko: {
      title: "RT-Data 일부 기능 오류",
      titleOf: "RT-Data 일부 기능 오류: {subjects}",
      act: "계속되면 알려 주세요",
      cost: "기록과 다른 기능은 계속됩니다.",
      advice: "오류는 {logs}에서 확인하세요. 계속되면 알려 주세요. 새 버전에서 고쳐졌을 수 있습니다.",
    },
  },
  verify_failed: {
    en: {
      title: "Archive does not match its manifest",
      titleOf: "Archive of {subjects} does not match its manifest",
      act: "run rt-data verify",
      cost: "Its data cannot be trusted.",
      advice: "Run `rt-data verify`; the bucket may still have a good copy. Check the disk's health.",
    },
    ko: {
      title: "아카이브가 매니페스트와 다름",
      titleOf: "{subjects} 아카이브가 매니페스트와 다름",
      act: "rt-data verify 실행",
      cost: "그 데이터는 믿을 수 없습니다.",
      advice: "`rt-data verify`로 확인하세요. 버킷에 온전한 사본이 남아 있을 수 있습니다. 디스크 상태도 확인하세요.",
    },
  },
  crash_recovered: {
    en: {
      title: "Back after a crash",
      brief: "{value} missing",
      act: "no action needed",
      cost: "Data sent during the downtime is missing; missing trades are fetched.",
      advice: "Its files are repaired. {gaps} shows the missing data; {logs} may show the cause.",
    },
    ko: {
      title: "비정상 종료 후 재시작",
      brief: "{value} 멈춤",
      act: "조치 불필요",
      cost: "멈춘 동안의 데이터는 없습니다. 체결은 다시 받아 옵니다.",
      advice: "파일은 복구했습니다. 빠진 구간은 {gaps}에서, 원인은 {logs}에서 확인하세요.",
    },
  },
  catalogue_away: {
    en: {
      title: "Catalogue not available",
      act: "see who locks rt-data.sqlite",
      cost: "Recording goes on, and the journal keeps the gaps. History and archive lists may be incomplete until the catalogue is back.",
      advice: "Stop the program that locks rt-data.sqlite, or check the disk. The catalogue catches up automatically.",
    },
    ko: {
      title: "카탈로그 사용 불가",
      act: "rt-data.sqlite 확인",
      cost: "기록은 계속되고, 빠진 구간은 저널에 남습니다. 복구될 때까지 이력과 아카이브 목록이 불완전할 수 있습니다.",
      advice: "rt-data.sqlite 를 잠근 프로그램을 끝내거나 디스크를 확인하세요. 밀린 내용은 자동으로 반영됩니다.",
    },
  },
  retention: {
    en: {
      title: "Many archives are due for removal",
      brief: "{value} dates",
      act: "keep them or wait",
      cost: "At most seven dates are removed in an hour, so that you can check first. The rest waits on this disk.",
      advice:
        "To keep them, raise the limit in [archive] (retention_days, retention_gb, min_free_gb) and restart. To remove them, wait, or run `rt-data retention` with the recorder stopped.",
    },
    ko: {
      title: "삭제 예정 아카이브가 많음",
      brief: "{value}일치",
      act: "남길지 확인",
      cost: "먼저 확인할 수 있도록 한 시간에 7일치까지만 지웁니다. 나머지는 이 디스크에 남아 기다립니다.",
      advice:
        "남겨 두려면 [archive]의 한도(retention_days, retention_gb, min_free_gb)를 올리고 다시 시작하세요. 지워도 되면 그대로 두거나, 레코더를 멈추고 `rt-data retention`을 실행하세요.",
    },
  },
  upload: {
    en: {
      title: "Archives are not uploaded",
      brief: "{value} waiting",
      act: "check [upload]",
      cost: "They stay on this disk until uploads work again.",
      advice: "Check endpoint, bucket and keys in [upload].",
    },
    ko: {
      title: "아카이브가 업로드되지 않음",
      brief: "{value}개 대기",
      act: "[upload] 확인",
      cost: "다시 될 때까지 이 디스크에 보관합니다.",
      advice: "[upload]의 엔드포인트, 버킷, 키를 확인하세요.",
    },
  },
  upload_object: {
    en: {
      title: "Problem with an archive in the bucket",
      titleOf: "Problem in the bucket: {subjects}",
      act: "check the bucket",
      cost: "All other archives are still uploaded. This archive stays on this disk until the bucket has it.",
      advice: "Check which other programs write to the bucket, and its locks and lifecycle rules.",
    },
    ko: {
      title: "버킷의 아카이브에 문제 있음",
      titleOf: "버킷의 아카이브에 문제 있음: {subjects}",
      act: "버킷 확인",
      cost: "다른 아카이브는 계속 업로드됩니다. 이 아카이브는 버킷에 확실히 있을 때까지 이 디스크에 보관합니다.",
      advice: "버킷에 쓰는 다른 프로그램과 버킷의 잠금, 수명 주기 규칙을 확인하세요.",
    },
  },
  dataset: {
    en: {
      title: "Dataset is not written",
      brief: "{value} days waiting",
      act: "check [dataset]",
      cost: "The archives are complete. Only the tables made from them lack these days.",
      advice:
        "Check the free space and [dataset]. `rt-data dataset --status` lists the days; `--rebuild` makes the tables again.",
    },
    ko: {
      title: "데이터셋이 기록되지 않음",
      brief: "{value}일 대기",
      act: "[dataset] 확인",
      cost: "아카이브는 온전합니다. 아카이브로 만드는 테이블에만 이 날짜들이 없습니다.",
      advice:
        "남은 공간과 [dataset] 설정을 확인하세요. `rt-data dataset --status`가 날짜를 보여 주고, `--rebuild`가 테이블을 다시 만듭니다.",
    },
  },
} satisfies Partial<RuleTexts>;
