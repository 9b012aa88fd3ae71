package dev.changenet.tensorboard;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * A TensorBoard event file. Each event is handed to the operating system at once and as a whole, so
 * that a reader sees it immediately and a process that is killed leaves a readable file.
 *
 * <p>Source: the TFRecord format (length and content, each followed by its masked CRC-32C).
 */
public final class EventFile implements AutoCloseable {
  private static final int MASK_DELTA = 0xa282ead8;

  private final Path path;
  private final FileChannel channel;

  private EventFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /**
   * Creates a new file in {@code folder}, which is made if absent; other event files there stay.
   *
   * @param firstStep the first step that will be written; with a value above 1 readers drop what
   *     earlier files of the folder hold from there on
   */
  public static EventFile create(Path folder, long firstStep) throws IOException {
    Files.createDirectories(folder);
    String name =
        "events.out.tfevents."
            + System.currentTimeMillis() / 1000
            + "."
            + host()
            + "."
            + ProcessHandle.current().pid()
            + ".";
    int number = 0;
    while (Files.exists(folder.resolve(name + number))) {
      number++;
    }
    Path path = folder.resolve(name + number);
    FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    EventFile file = new EventFile(path, channel);
    try {
      file.append(Event.version());
      if (firstStep > 1) {
        file.append(Event.restart(firstStep));
      }
      return file;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /** Name of this machine, found without the network. */
  private static String host() throws IOException {
    String name = System.getenv().getOrDefault("HOSTNAME", System.getenv("COMPUTERNAME"));
    Path kernel = Path.of("/proc/sys/kernel/hostname");
    if (name == null && Files.isReadable(kernel)) {
      name = Files.readString(kernel).strip();
    }
    return name == null || name.isEmpty() ? "localhost" : name.replaceAll("[^A-Za-z0-9.-]", "-");
  }

  /** Where the file lies. */
  public Path path() {
    return path;
  }

  /**
   * Appends {@code event}.
   *
   * @throws IOException if it cannot be written; nothing of it is in the file then
   */
  public void write(Event event) throws IOException {
    append(event.encode());
  }

  private void append(byte[] content) throws IOException {
    ByteBuffer record =
        ByteBuffer.allocate(Long.BYTES + Integer.BYTES + content.length + Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(content.length);
    record.putInt(maskedCrc(record.array(), Long.BYTES));
    record.put(content).putInt(maskedCrc(content, content.length)).flip();
    long end = channel.position();
    try {
      while (record.hasRemaining()) {
        channel.write(record);
      }
    } catch (IOException e) {
      channel.truncate(end);
      throw e;
    }
  }

  private static int maskedCrc(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
