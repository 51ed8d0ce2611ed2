//! The disk as the kernel sees it. Nothing is kept back: every write arrives as it is done (no write-back
//! cache), names and attributes are asked for each time, and files may be mapped into memory.

use crate::disk::{Disk, Fault, Kind, ROOT};
use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner,
    OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyStatfs,
    ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use std::{
    ffi::OsStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

const ALWAYS_ASK: Duration = Duration::ZERO;
const BLOCK: u32 = 4096;
/// 8 GiB.
const BLOCKS: u64 = 2 << 20;

pub struct Mounted(pub Arc<Mutex<Disk>>);

impl Mounted {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Fault> for Errno {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Gone => Self::ENOENT,
            Fault::Exists => Self::EEXIST,
            Fault::NotEmpty => Self::ENOTEMPTY,
            Fault::IsFolder => Self::EISDIR,
            Fault::NotFolder => Self::ENOTDIR,
            Fault::Broken => Self::EIO,
        }
    }
}

fn about(disk: &Disk, number: u64, of: &Request) -> Result<FileAttr, Fault> {
    let node = disk.node(number)?;
    let (kind, size) = match &node.kind {
        Kind::File(file) => (FileType::RegularFile, file.bytes.len() as u64),
        Kind::Folder(_) => (FileType::Directory, 0),
    };
    let time = node.modified;
    Ok(FileAttr {
        ino: INodeNo(number),
        size,
        blocks: size.div_ceil(512),
        atime: time,
        mtime: time,
        ctime: time,
        crtime: time,
        kind,
        perm: node.mode,
        nlink: 1,
        uid: of.uid(),
        gid: of.gid(),
        rdev: 0,
        blksize: BLOCK,
        flags: 0,
    })
}

fn mode_of(mode: u32) -> u16 {
    u16::try_from(mode & 0o7777).unwrap_or(0o600)
}

fn entry(reply: ReplyEntry, found: Result<FileAttr, Fault>) {
    match found {
        Ok(attributes) => reply.entry(&ALWAYS_ASK, &attributes, Generation(0)),
        Err(fault) => reply.error(fault.into()),
    }
}

fn empty(reply: ReplyEmpty, outcome: Result<(), Fault>) {
    match outcome {
        Ok(()) => reply.ok(),
        Err(fault) => reply.error(fault.into()),
    }
}

impl Filesystem for Mounted {
    fn lookup(&self, of: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let disk = self.disk();
        entry(reply, disk.find(parent.0, name).and_then(|number| about(&disk, number, of)));
    }

    fn getattr(&self, of: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match about(&self.disk(), ino.0, of) {
            Ok(attributes) => reply.attr(&ALWAYS_ASK, &attributes),
            Err(fault) => reply.error(fault.into()),
        }
    }

    fn setattr(
        &self,
        of: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut disk = self.disk();
        let set = || {
            if let Some(mode) = mode {
                disk.node_mut(ino.0)?.mode = mode_of(mode);
            }
            if let Some(size) = size {
                disk.set_length(ino.0, usize::try_from(size).unwrap_or(usize::MAX))?;
            }
            about(&disk, ino.0, of)
        };
        match { set }() {
            Ok(attributes) => reply.attr(&ALWAYS_ASK, &attributes),
            Err(fault) => reply.error(fault.into()),
        }
    }

    fn mkdir(&self, of: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        let mut disk = self.disk();
        let made = disk.create(parent.0, name, mode_of(mode & !umask), true);
        entry(reply, made.and_then(|number| about(&disk, number, of)));
    }

    fn create(&self, of: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, _: i32, reply: ReplyCreate) {
        let mut disk = self.disk();
        let made = disk.create(parent.0, name, mode_of(mode & !umask), false);
        match made.and_then(|number| about(&disk, number, of)) {
            Ok(attributes) => {
                reply.created(&ALWAYS_ASK, &attributes, Generation(0), FileHandle(0), FopenFlags::empty());
            }
            Err(fault) => reply.error(fault.into()),
        }
    }

    fn link(&self, of: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut disk = self.disk();
        let linked = disk.link(ino.0, parent.0, name);
        entry(reply, linked.and_then(|()| about(&disk, ino.0, of)));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(reply, self.disk().remove(parent.0, name));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(reply, self.disk().remove(parent.0, name));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        to: INodeNo,
        new: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut disk = self.disk();
        if flags.contains(RenameFlags::RENAME_NOREPLACE) && disk.find(to.0, new).is_ok() {
            return reply.error(Errno::EEXIST);
        }
        if flags.contains(RenameFlags::RENAME_EXCHANGE) {
            return reply.error(Errno::EINVAL);
        }
        empty(reply, disk.rename((parent.0, name), (to.0, new)));
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.disk().file(ino.0) {
            Ok(file) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(file.bytes.len());
                let end = start.saturating_add(size as usize).min(file.bytes.len());
                reply.data(&file.bytes[start..end]);
            }
            Err(fault) => reply.error(fault.into()),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.disk().write(ino.0, usize::try_from(offset).unwrap_or(usize::MAX), data) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(fault) => reply.error(fault.into()),
        }
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        empty(reply, self.disk().sync(ino.0));
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        empty(reply, self.disk().sync(ino.0));
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let disk = self.disk();
        let folder = match disk.folder(ino.0) {
            Ok(folder) => folder,
            Err(fault) => return reply.error(fault.into()),
        };
        let above = [(OsStr::new("."), ino.0), (OsStr::new(".."), ROOT)];
        let entries = above.into_iter().chain(folder.names.iter().map(|(name, number)| (name.as_os_str(), *number)));
        for (at, (name, number)) in (1u64..).zip(entries).skip(usize::try_from(offset).unwrap_or(usize::MAX)) {
            let is_folder = matches!(disk.node(number).map(|node| &node.kind), Ok(Kind::Folder(_)));
            let kind = if is_folder { FileType::Directory } else { FileType::RegularFile };
            if reply.add(INodeNo(number), at, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(BLOCKS, BLOCKS, BLOCKS, 1 << 20, 1 << 20, BLOCK, 255, BLOCK);
    }
}
