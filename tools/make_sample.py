"""Make the sound that the demo ships: a melody and a synthetic voice, free of anybody's rights."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

TEXT = (
    "Kính thưa toàn thể bà con nhân dân xã Lãng Công. Đài truyền thanh xã xin thông báo: "
    "sáng thứ bảy tuần này, trạm y tế xã tổ chức tiêm chủng mở rộng cho trẻ em dưới năm tuổi. "
    "Đề nghị bà con đưa trẻ đến đúng giờ và mang theo sổ tiêm chủng."
)
NOTES_HZ = (392.0, 440.0, 523.25, 587.33, 659.25, 523.25)
NOTE_S = 0.45


def main(target: Path) -> None:
    """Write the sample as MP3 to `target`."""
    with TemporaryDirectory() as directory:
        voice = Path(directory) / "voice.wav"
        subprocess.run(["espeak-ng", "-v", "vi", "-s", "160", "-w", str(voice), TEXT], check=True)
        melody = "+".join(
            f"0.25*sin(2*PI*{note}*t)*between(t,{number * NOTE_S},{(number + 1) * NOTE_S})"
            f"*exp(-4*mod(t,{NOTE_S}))*min(1,mod(t,{NOTE_S})*100)"
            for number, note in enumerate(NOTES_HZ)
        )
        tones = ["-f", "lavfi", "-i", f"aevalsrc={melody!r}:s=44100:d={len(NOTES_HZ) * NOTE_S + 0.3}"]
        graph = "[1:a]aresample=44100[voice];[0:a][voice]concat=n=2:v=0:a=1"
        command = ["ffmpeg", "-v", "error", "-y", *tones, "-i", str(voice), "-filter_complex", graph]
        output = ["-ac", "1", "-b:a", "64k", "-map_metadata", "-1", "-fflags", "+bitexact", str(target)]
        subprocess.run([*command, *output], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
