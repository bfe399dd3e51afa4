"""What a file can be refused for; each sentence says what is wrong and what to do."""

from app.errors import OcopError


class FileRefused(OcopError):
    """Base of every refusal of a file."""

    sentence = "Tệp “{name}” không đọc được."


class EmptyFile(FileRefused):
    sentence = "Tệp “{name}” rỗng (0 byte). Chọn lại tệp có dữ liệu."


class FileTooLarge(FileRefused):
    sentence = "Tệp “{name}” nặng {size} MB, quá {limit} MB. Xóa hình ảnh hoặc chia thành nhiều tệp."


class NotATable(FileRefused):
    sentence = "Tệp “{name}” không phải bảng tính Excel hay CSV. Mở bằng Excel, lưu lại dạng .xlsx rồi tải lên."


class OtherKind(NotATable):
    """It is known what the file is; the cure differs by kind."""

    sentence = "Tệp “{name}” là {kind}, không phải bảng tính Excel hay CSV. {cure}"


class PasswordProtected(FileRefused):
    sentence = "Tệp “{name}” có mật khẩu. Bỏ mật khẩu rồi tải lại."


class TooLargeInside(FileRefused):
    sentence = "Tệp “{name}” mở ra lớn bất thường. Chép phần cần nhập sang tệp mới rồi tải lại."


class ForbiddenContent(FileRefused):
    sentence = "Tệp “{name}” có khai báo DTD không được phép. Chép dữ liệu sang tệp Excel mới rồi tải lại."


class SheetTooWide(FileRefused):
    sentence = "Trang tính “{sheet}” trải tới ô {corner}, quá {limit} ô. Xóa các dòng, cột thừa ở cuối rồi tải lại."


class TooManyCells(FileRefused):
    sentence = "Tệp “{name}” có quá {limit} ô. Chia thành nhiều tệp rồi tải lại."


class TooManyRows(FileRefused):
    sentence = "Tệp “{name}” có quá {limit} dòng. Xóa dòng trống hoặc chia thành nhiều tệp rồi tải lại."


class BrokenFile(FileRefused):
    sentence = "Tệp “{name}” bị hỏng. Xin lại tệp ở nơi gửi, hoặc mở bằng Excel, lưu lại dạng .xlsx rồi tải lên."


class CutOff(BrokenFile):
    sentence = "Tệp “{name}” thiếu phần cuối, có thể do tải hay chép chưa xong. Tải hoặc chép lại tệp rồi tải lên."


class BrokenSheet(BrokenFile):
    sentence = (
        "Trang tính “{sheet}” của tệp “{name}” bị hỏng nên có thể thiếu dòng. "
        "Mở bằng Excel để sửa, lưu lại dạng .xlsx rồi tải lên."
    )


class NotUtf8(FileRefused):
    sentence = "Tệp “{name}” không dùng bảng mã Unicode. Mở bằng Excel, lưu lại dạng “CSV UTF-8” hoặc .xlsx."


class NoHeader(FileRefused):
    sentence = "Tệp “{name}” không có dòng tiêu đề. Thêm dòng tên cột ở trên dữ liệu rồi tải lại."


class SheetNotFound(FileRefused):
    sentence = "Tệp “{name}” không có trang tính “{sheet}”. Các trang tính có trong tệp: {sheets}."
