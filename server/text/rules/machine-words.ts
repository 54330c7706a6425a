import type { RuleTexts } from "./rule-text.ts";

/** Words of the rules about this machine. */
export const machineWords = {
  clock_offset: {
    en: {
      title: "Clock is off",
      brief: "{value}",
      act: "check time synchronization",
      cost: "recv_us of new records is off by the same amount.",
      advice:
        "Check time synchronization with `timedatectl`. If the clock is off by whole hours, the hardware clock holds local time: `timedatectl set-local-rtc 0`.",
    },
    ko: {
      title: "서버 시계가 어긋남",
      brief: "{value}",
      act: "시간 동기화 확인",
      cost: "지금 기록되는 recv_us가 그만큼 어긋납니다.",
      advice:
        "`timedatectl`로 시간 동기화를 확인하세요. 정확히 몇 시간씩 어긋났다면 하드웨어 시계가 현지 시각입니다: `timedatectl set-local-rtc 0`",
    },
  },
  write_error: {
    en: {
      title: "Cannot write to the disk",
      act: "check the disk now",
      cost: "Records wait in memory (up to 64 MiB). Records beyond that are lost and recorded as a gap.",
      advice: "Check that the disk has free space, is mounted and is writable.",
    },
    ko: {
      title: "디스크 쓰기 실패",
      act: "지금 디스크 확인",
      cost: "데이터는 메모리(64 MiB)에서 대기합니다. 넘치는 만큼은 유실되며 공백으로 남깁니다.",
      advice: "디스크가 가득 찼는지, 마운트되어 있고 쓸 수 있는지 확인하세요.",
    },
  },
  disk_low: {
    en: {
      title: "Disk nearly full",
      brief: "{value} left",
      act: "free some space",
      cost: "Recording goes on as long as possible; merging days stops first, then sealing.",
      advice: "Free some space, or set archive.retention_days. See {disk}.",
    },
    ko: {
      title: "디스크 공간 부족",
      brief: "{value} 남음",
      act: "공간 확보",
      cost: "기록은 공간이 남아 있는 한 계속됩니다. 병합이 먼저, 그다음 압축이 멈춥니다.",
      advice: "공간을 비우거나 archive.retention_days를 설정하세요. 사용량은 {disk}에서 볼 수 있습니다.",
    },
  },
  disk_forecast: {
    en: {
      title: "Disk soon full",
      brief: "in {value}",
      act: "free some space",
      cost: "No data is lost yet.",
      advice: "Free some space, or set archive.retention_days, before the disk is full.",
    },
    ko: {
      title: "디스크가 곧 가득 참",
      brief: "{value} 뒤",
      act: "공간 확보",
      cost: "아직 유실된 데이터는 없습니다.",
      advice: "여유가 있을 때 공간을 비우거나 archive.retention_days를 설정하세요.",
    },
  },
  memory: {
    en: {
      title: "Memory running short",
      brief: "{value} used",
      act: "check other programs",
      cost: "If memory runs out, the system may kill the recorder.",
      advice: "Check the other programs on this machine, or record fewer symbols.",
    },
    ko: {
      title: "메모리 부족",
      brief: "{value} 사용",
      act: "다른 프로그램 확인",
      cost: "메모리가 바닥나면 시스템이 레코더를 종료할 수 있습니다.",
      advice: "서버에서 함께 도는 프로그램을 확인하거나 심볼 수를 줄이세요.",
    },
  },
  cpu: {
    en: {
      title: "CPU at its limit",
      brief: "{value}",
      act: "check other programs",
      cost: "Recording has priority; delays may grow and archives wait.",
      advice: "Check the other programs on this machine.",
    },
    ko: {
      title: "CPU 사용률 높음",
      brief: "{value}",
      act: "다른 프로그램 확인",
      cost: "기록이 우선입니다. 지연이 늘고 아카이브 작업이 밀릴 수 있습니다.",
      advice: "서버에서 함께 도는 프로그램을 확인하세요.",
    },
  },
  public_url: {
    en: {
      title: "Page unreachable from outside",
      act: "check DNS and proxy",
      withFigure: { title: "Certificate expires soon", act: "renew it" },
      brief: "in {value}",
      cost: "Recording is not affected.",
      advice: "Check the name in DNS, the proxy and its certificate.",
    },
    ko: {
      title: "외부 접속 불가",
      act: "DNS와 프록시 확인",
      withFigure: { title: "인증서 만료 임박", act: "인증서 갱신" },
      brief: "{value} 뒤",
      cost: "기록에는 영향이 없습니다.",
      advice: "DNS 이름, 프록시, 인증서를 확인하세요.",
    },
  },
} satisfies Partial<RuleTexts>;
