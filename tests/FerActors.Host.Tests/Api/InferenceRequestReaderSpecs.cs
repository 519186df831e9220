using System.Text;
using FerActors.Host.Api;
using FerActors.Host.OpenInference;

namespace FerActors.Host.Tests.Api;

public sealed class InferenceRequestReaderSpecs
{
    private const int ImageBytes = 8 * 1024 * 1024;

    [Fact]
    public void A_shape_that_its_text_cannot_fill_is_refused_before_memory_is_taken_for_it()
    {
        var body = Encoding.UTF8.GetBytes(
            """{"inputs":[{"name":"image","shape":[64,1600,1600,3],"datatype":"UINT8","data":[1,2,3]}]}""");
        var reader = new InferenceRequestReader(ImageBytes, maxImages: 64);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var refusal = Assert.Throws<ApiException>(() => reader.Read(body, jsonLength: null));

        Assert.Contains("the data does not fit the shape", refusal.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024 * 1024);
    }

    [Fact]
    public void A_shape_that_is_just_filled_is_read()
    {
        var body = Encoding.UTF8.GetBytes("""{"inputs":[{"name":"image","shape":[2,1,2,1],"datatype":"UINT8","data":[[[1,2]],[[3,4]]]}]}""");

        Assert.Equal(2, new InferenceRequestReader(ImageBytes, maxImages: 64).Read(body, jsonLength: null).Images.Count);
    }
}
