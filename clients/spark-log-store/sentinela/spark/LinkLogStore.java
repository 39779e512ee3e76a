package sentinela.spark;

import io.delta.storage.HadoopFileSystemLogStore;
import java.io.BufferedOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * Delta's log on a local disk that several processes write. A file is written under a temporary name in the same
 * folder, synced, and then linked to its own: link(2) fails where the name exists, also for another process. The
 * folder is synced before a call returns.
 *
 * <p>An exception other than {@link java.nio.file.FileAlreadyExistsException} does not say that nothing was
 * written: the folder is synced after the name is there.
 *
 * <p>Files get the mode 0666 less the process's umask.
 */
public final class LinkLogStore extends HadoopFileSystemLogStore {
    /** The form that Sentinela's own processes use: no reader of Delta takes such a file for a part of the log. */
    private static final String TEMPORARY_PREFIX = ".writing-";

    public LinkLogStore(Configuration hadoopConf) {
        super(hadoopConf);
    }

    /**
     * Writes lines to a file that must not exist or, with {@code overwrite}, in place of what is there.
     *
     * @throws java.nio.file.FileAlreadyExistsException where it exists and {@code overwrite} is false.
     */
    @Override
    public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration hadoopConf)
            throws IOException {
        java.nio.file.Path target = onDisk(path, hadoopConf);
        java.nio.file.Path temporary = target.resolveSibling(TEMPORARY_PREFIX + UUID.randomUUID());
        try {
            writeSynced(temporary, actions);
            if (overwrite) replace(target, temporary);
            else Files.createLink(target, temporary); // The commit point.
        } finally {
            discard(temporary);
        }
        syncFolder(target.getParent());
    }

    /** As Delta's, without files that are being written and those that a crash left. */
    @Override
    public Iterator<FileStatus> listFrom(Path path, Configuration hadoopConf) throws IOException {
        List<FileStatus> found = new ArrayList<>();
        super.listFrom(path, hadoopConf).forEachRemaining(found::add);
        found.removeIf(status -> status.getPath().getName().startsWith(TEMPORARY_PREFIX));
        return found.iterator();
    }

    /**
     * True, though {@link #write} shows whole files only: Delta asks this to know whether a checkpoint, which it
     * writes past the log store, may be written under its own name. On a local disk a kill would leave half of one.
     */
    @Override
    public Boolean isPartialWriteVisible(Path path, Configuration hadoopConf) {
        return true;
    }

    private java.nio.file.Path onDisk(Path path, Configuration hadoopConf) throws IOException {
        Path resolved = resolvePathOnPhysicalStorage(path, hadoopConf);
        String scheme = resolved.toUri().getScheme();
        if (!"file".equals(scheme)) {
            throw new IOException(
                    path + " is not on a local disk: set spark.delta.logStore.file.impl to this class, not that of "
                            + scheme);
        }
        return new File(resolved.toUri().getPath()).toPath();
    }

    private static void writeSynced(java.nio.file.Path path, Iterator<String> lines) throws IOException {
        try (FileChannel file =
                        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                OutputStream out = new BufferedOutputStream(Channels.newOutputStream(file))) {
            while (lines.hasNext()) {
                out.write((lines.next() + "\n").getBytes(StandardCharsets.UTF_8));
            }
            out.flush();
            file.force(true);
        }
    }

    /** Hadoop would hold a file to the checksum that it kept of the one before, so that one goes first. */
    private static void replace(java.nio.file.Path target, java.nio.file.Path temporary) throws IOException {
        Files.deleteIfExists(target.resolveSibling("." + target.getFileName() + ".crc"));
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    }

    /** A temporary name that stays does no harm; an error here would hide that the file has been written. */
    private static void discard(java.nio.file.Path temporary) {
        try {
            Files.deleteIfExists(temporary);
        } catch (IOException leftBehind) {
            // Listings leave it out.
        }
    }

    private static void syncFolder(java.nio.file.Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
